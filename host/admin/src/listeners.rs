//! The ways in from outside: the unix socket of the state directory, and TCP with a token on request.

use crate::problem::Problem;
use crate::request::Caller;
use crate::router::Admin;
use crate::socket::{short, socket_in};
use crate::token::Token;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// A client that has not sent its request head by then is not going to.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request that runs may go on when the host stops; a swap that is not done by then is not done.
const DRAIN: Duration = Duration::from_secs(5);

/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bound, and not yet serving.
pub struct Listeners {
    unix: UnixListener,
    path: PathBuf,
    /// The user who may use the socket.
    owner: u32,
    tcp: Option<(TcpListener, Arc<Token>)>,
}

impl Listeners {
    /// The caller holds the state directory's lock, so a socket that is already there is a dead host's.
    pub async fn bind(state_dir: &Path, tcp: Option<SocketAddr>) -> io::Result<Self> {
        let path = socket_in(state_dir);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (address, _directory) = short(&path)?;
        let unix = UnixListener::bind(address)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        let tcp = match tcp {
            Some(address) => Some((TcpListener::bind(address).await?, Arc::new(Token::in_state_dir(state_dir)?))),
            None => None,
        };
        Ok(Self { unix, path, owner, tcp })
    }

    /// Of the TCP listener, where there is one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Serves until `stop`, then waits a little for the requests that run.
    pub async fn serve(self, admin: Arc<Admin>, stop: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.unix.accept() => match accepted {
                    Ok((stream, _)) => self.serve_unix(stream, &admin, &connections, &stop),
                    Err(error) => rest(&error).await,
                },
                accepted = accept_tcp(self.tcp.as_ref()) => match accepted {
                    Ok((stream, token)) => {
                        let (admin, stop) = (Arc::clone(&admin), stop.clone());
                        connections.spawn(serve(stream, admin, Caller::Token, Some(token), stop));
                    }
                    Err(error) => rest(&error).await,
                },
            }
        }
        drop(std::fs::remove_file(&self.path));
        connections.close();
        if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
            warn!("stopped while requests to the admin surface were running");
        }
    }

    /// The file's permissions keep others out; this also covers the moment before they were set.
    fn serve_unix(&self, stream: UnixStream, admin: &Arc<Admin>, connections: &TaskTracker, stop: &CancellationToken) {
        let allowed = stream.peer_cred().is_ok_and(|peer| peer.uid() == self.owner || peer.uid() == 0);
        if allowed {
            connections.spawn(serve(stream, Arc::clone(admin), Caller::Socket, None, stop.clone()));
        }
    }
}

async fn accept_tcp(tcp: Option<&(TcpListener, Arc<Token>)>) -> io::Result<(tokio::net::TcpStream, Arc<Token>)> {
    match tcp {
        Some((listener, token)) => Ok((listener.accept().await?.0, Arc::clone(token))),
        None => std::future::pending().await,
    }
}

async fn rest(error: &io::Error) {
    warn!("failed to accept a connection to the admin surface: {error}");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn serve<S>(stream: S, admin: Arc<Admin>, caller: Caller, token: Option<Arc<Token>>, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = service_fn(|request| answer(&admin, request, &caller, token.as_deref()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!("a connection to the admin surface ended early: {error}");
    }
}

async fn answer(
    admin: &Admin,
    request: Request<Incoming>,
    caller: &Caller,
    token: Option<&Token>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = match token {
        Some(token) if !token.is_in(request.headers()) => Problem::new(
            StatusCode::UNAUTHORIZED,
            "send the token of the state directory's `admin-token` as `Authorization: Bearer …`",
        )
        .response(),
        _ => admin.handle(request, caller.clone()).await,
    };
    Ok(response.map(Full::new))
}
