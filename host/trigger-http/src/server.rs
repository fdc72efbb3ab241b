//! The listener: bounded connections, handshakes beside it, and a shutdown that loses no request.

use crate::client::{Client, subscriber};
use crate::connection::Connections;
use crate::service::Service;
use crate::sockets::Sockets;
use crate::tls::Tls;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{debug, warn};

/// Connections that the kernel may hold for us while we accept.
const BACKLOG: u32 = 1024;

/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many ports in a row are tried to find a free one, as Spin does.
const PORTS_TRIED: u16 = 10;

pub struct ServerOptions {
    pub listen: SocketAddr,
    /// When the port is taken, one of the next ones will do.
    pub find_free_port: bool,
    pub tls: Option<Tls>,
}

/// A bound listener that serves until it is told to shut down.
pub struct Server {
    listener: TcpListener,
    serving: Arc<Connections>,
    sockets: Arc<Sockets>,
    connections: TaskTracker,
    stop: watch::Sender<bool>,
}

impl Server {
    pub fn bind(options: ServerOptions, service: Arc<Service>) -> io::Result<Self> {
        let listener = if options.find_free_port { listen_nearby(options.listen) } else { listen(options.listen) };
        Ok(Self {
            listener: listener?,
            sockets: Sockets::new(service.rules().max_connections),
            serving: Arc::new(Connections { service, tls: options.tls }),
            connections: TaskTracker::new(),
            stop: watch::Sender::new(false),
        })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until `shutdown`, then waits at most `drain` for the requests that run.
    pub async fn serve(self, shutdown: impl Future<Output = ()>, drain: Duration) {
        let service = Arc::clone(&self.serving.service);
        let _watch = AbortOnDropHandle::new(tokio::spawn(async move { service.watch_clients().await }));
        {
            let serving = Arc::clone(&self.serving);
            let follow = async move {
                match &serving.tls {
                    Some(tls) => tls.follow().await,
                    None => std::future::pending().await,
                }
            };
            tokio::pin!(shutdown, follow);
            loop {
                tokio::select! {
                    () = &mut shutdown => break,
                    () = &mut follow => {}
                    () = self.accept_one() => {}
                }
            }
        }
        drop(self.listener);
        self.stop.send_replace(true);
        self.connections.close();
        if tokio::time::timeout(drain, self.connections.wait()).await.is_err() {
            warn!("stopped with {} connections still busy after {} s", self.connections.len(), drain.as_secs());
        }
    }

    async fn accept_one(&self) {
        match self.listener.accept().await {
            Ok((stream, client)) => self.begin(stream, client).await,
            // EMFILE and the like pass, sooner when idle connections go; a client that is gone already concerns nobody.
            Err(error) => {
                warn!("failed to accept a connection: {error}");
                self.sockets.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn begin(&self, stream: TcpStream, address: SocketAddr) {
        let open = self.sockets.enter(subscriber(address.ip())).await;
        let (serving, stop) = (Arc::clone(&self.serving), self.stop.subscribe());
        self.connections.spawn(async move {
            let local = stream.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
            let client = Client::new(address, local, &open.socket, &serving.service.rules().proxies);
            tokio::select! {
                () = serving.serve(stream, &client, stop) => {}
                () = open.socket.must_leave() => debug!(%client, "an idle connection made room for others"),
            }
        });
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted host takes over its port at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn listen_nearby(address: SocketAddr) -> io::Result<TcpListener> {
    let mut outcome = listen(address);
    for step in 1..PORTS_TRIED {
        let taken = matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::AddrInUse);
        let Some(port) = address.port().checked_add(step).filter(|_| taken) else { break };
        outcome = listen(SocketAddr::new(address.ip(), port));
    }
    outcome
}
