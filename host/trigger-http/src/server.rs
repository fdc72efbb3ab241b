//! The listener: bounded connections, bounded waiting for slow clients, and a shutdown that loses no request.

use crate::service::Service;
use http::uri::Scheme;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// Connections that the kernel may hold for us while we accept.
const BACKLOG: u32 = 1024;

/// A client that has not sent its request head by then is not going to.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Request line and headers together; larger ones get 431.
const MAX_HEADER_BYTES: usize = 32 << 10;

/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub listen: SocketAddr,
    /// Open connections at once; more wait in the kernel.
    pub max_connections: usize,
}

/// A bound listener that serves until it is told to shut down.
pub struct Server {
    listener: TcpListener,
    service: Arc<Service>,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: watch::Sender<bool>,
}

impl Server {
    pub fn bind(options: &ServerOptions, service: Arc<Service>) -> io::Result<Self> {
        let socket = if options.listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restarted host takes over its port at once.
        socket.set_reuseaddr(true)?;
        socket.bind(options.listen)?;
        Ok(Self {
            listener: socket.listen(BACKLOG)?,
            service,
            places: Arc::new(Semaphore::new(options.max_connections)),
            connections: TaskTracker::new(),
            stop: watch::Sender::new(false),
        })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until `shutdown`, then waits at most `drain` for the requests that run.
    pub async fn serve(self, shutdown: impl Future<Output = ()>, drain: Duration) {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = self.accept_one() => {}
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
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
        let (stream, client) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            // EMFILE and the like pass; a client that is gone already concerns nobody.
            Err(error) => {
                warn!("failed to accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return;
            }
        };
        let (service, stop) = (Arc::clone(&self.service), self.stop.subscribe());
        self.connections.spawn(async move {
            let _place = place;
            serve_connection(stream, client, service, stop).await;
        });
    }
}

async fn serve_connection(
    stream: TcpStream,
    client: SocketAddr,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting for more to send would only delay them.
    drop(stream.set_nodelay(true));
    let answer = service_fn(|request| {
        let service = &service;
        async move { Ok::<_, Infallible>(service.handle(request, client, &Scheme::HTTP).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_header_size(MAX_HEADER_BYTES)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = async { drop(stop.wait_for(|stop| *stop).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%client, "a connection ended early: {error}");
    }
}
