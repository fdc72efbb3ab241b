//! Opens the connections of one component's client: resolve, check every address, connect to what was checked.

use crate::networks::SpecialNetworks;
use http::Uri;
use hyper_util::rt::TokioIo;
use kobliat_manifest::{AllowedHosts, default_port};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;

/// Longer than any healthy connection takes, shorter than a request is worth waiting for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the URL names no host")]
    NoHost,
    #[error("failed to resolve `{host}`: {reason}")]
    Resolve { host: String, reason: String },
    #[error("`{host}` is at {address}, in a private or reserved network")]
    Prohibited { host: String, address: IpAddr },
    #[error("failed to connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("did not connect within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout,
}

/// What a component's connections may lead to.
#[derive(Clone)]
pub struct Connector {
    allowed: Arc<AllowedHosts>,
    special: Arc<SpecialNetworks>,
}

impl Connector {
    pub fn new(allowed: Arc<AllowedHosts>, special: Arc<SpecialNetworks>) -> Self {
        Self { allowed, special }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let scheme = uri.scheme_str().unwrap_or("http");
        let host = uri.host().ok_or(ConnectError::NoHost)?.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().or_else(|| default_port(scheme)).unwrap_or(80);
        let addresses = resolve(host, port).await?;
        let listed = self.allowed.lists(scheme, host, port);
        let allowed = |address: &SocketAddr| {
            listed || !self.special.contain(address.ip()) || self.allowed.lists(scheme, &address.ip().to_string(), port)
        };
        // One forbidden address among several is no accident: the name is not to be trusted.
        if let Some(forbidden) = addresses.iter().find(|address| !allowed(address)) {
            return Err(ConnectError::Prohibited { host: host.into(), address: forbidden.ip() });
        }
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(ConnectError::Connect)?;
        drop(stream.set_nodelay(true));
        Ok(TokioIo::new(stream))
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let failed = |reason: String| ConnectError::Resolve { host: host.into(), reason };
    let addresses = tokio::net::lookup_host((host, port)).await.map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    if addresses.is_empty() { Err(failed("no address".into())) } else { Ok(addresses) }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.clone().connect(uri);
        Box::pin(async move {
            tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or(Err(ConnectError::Timeout))
        })
    }
}
