//! Opens the connections of one component's client: resolve, check every address, connect to what was checked.

use crate::connection::Connection;
use http::Uri;
use kobliat_manifest::default_port;
use kobliat_outbound_networking::{ConnectionLimits, Policy};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
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

/// What a component's connections may lead to, and how many there may be.
#[derive(Clone)]
pub struct Connector {
    policy: Policy,
    limits: ConnectionLimits,
}

impl Connector {
    pub fn new(policy: Policy, limits: ConnectionLimits) -> Self {
        Self { policy, limits }
    }

    async fn connect(self, uri: Uri) -> Result<Connection, ConnectError> {
        let scheme = uri.scheme_str().unwrap_or("http");
        let host = uri.host().ok_or(ConnectError::NoHost)?.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().or_else(|| default_port(scheme)).unwrap_or(80);
        let permit = self.limits.acquire().await.map_err(|_| ConnectError::Timeout)?;
        let addresses = resolve(host, port).await?;
        // One forbidden address among several is no accident: the name is not to be trusted.
        let permitted = |address: &&SocketAddr| self.policy.permits(scheme, host, address.ip(), port);
        if let Some(forbidden) = addresses.iter().find(|address| !permitted(address)) {
            return Err(ConnectError::Prohibited { host: host.into(), address: forbidden.ip() });
        }
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(ConnectError::Connect)?;
        drop(stream.set_nodelay(true));
        Ok(Connection::new(stream, permit))
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let failed = |reason: String| ConnectError::Resolve { host: host.into(), reason };
    let addresses = tokio::net::lookup_host((host, port)).await.map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    if addresses.is_empty() { Err(failed("no address".into())) } else { Ok(addresses) }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Connection;
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
