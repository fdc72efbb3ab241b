//! One connection: TLS or not, HTTP/1.1 or HTTP/2, and how long a client may keep it without asking for anything.

use crate::client::Client;
use crate::service::Service;
use crate::tls::{HTTP_2, Tls};
use http::uri::Scheme;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

/// A client that has not sent its request head by then is not going to; nor one that has not shaken hands.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What hyper reads into at most, and writes from; more where heads may be larger.
const BUFFER: usize = 128 << 10;

/// Requests at once on one connection of HTTP/2.
const MAX_STREAMS: u32 = 256;

/// What a client of HTTP/2 may send before anybody reads it: of a request, and of all requests of a connection together.
const WINDOW: u32 = 256 << 10;

/// A client of HTTP/2 that does not answer a ping is gone.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP/2 connection on which nobody asked for so long is closed; HTTP/1.1 has [`HEADER_TIMEOUT`] for it.
const IDLE: Duration = Duration::from_secs(60);

/// How a connection of HTTP/2 begins when no handshake has said that it is one. No method of HTTP/1.1 begins so.
const PREFACE: &[u8] = b"PRI";

/// What every connection of one server needs.
pub struct Connections {
    pub service: Arc<Service>,
    pub tls: Option<Tls>,
}

type Stop = watch::Receiver<bool>;

impl Connections {
    pub async fn serve(&self, stream: TcpStream, client: &Client, stop: Stop) {
        // Answers are written whole; waiting for more to send would only delay them.
        drop(stream.set_nodelay(true));
        let Some(tls) = &self.tls else {
            return match tokio::time::timeout(HEADER_TIMEOUT, begins_as_http_2(&stream)).await {
                Ok(Ok(true)) => self.http_2(stream, client, &Scheme::HTTP, stop).await,
                Ok(Ok(false)) => self.http_1(stream, client, &Scheme::HTTP, stop).await,
                Ok(Err(_)) | Err(_) => debug!(%client, "a connection ended before its first request"),
            };
        };
        let shaken = tokio::time::timeout(HEADER_TIMEOUT, TlsAcceptor::from(tls.config()).accept(stream)).await;
        match shaken {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) => {
                self.http_2(stream, client, &Scheme::HTTPS, stop).await;
            }
            Ok(Ok(stream)) => self.http_1(stream, client, &Scheme::HTTPS, stop).await,
            Ok(Err(error)) => debug!(%client, "a TLS handshake failed: {error}"),
            Err(_elapsed) => debug!(%client, "a TLS handshake took too long"),
        }
    }

    /// Twice what the service takes, so that it can say what is wrong with most heads that are too large. Beyond this, and
    /// beyond 100 headers, hyper answers 431 by itself, without a body.
    fn max_header(&self) -> usize {
        self.service.max_head().saturating_mul(2)
    }

    async fn http_1<S>(&self, stream: S, client: &Client, scheme: &Scheme, stop: Stop)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let asked = AtomicBool::new(false);
        let answer = service_fn(|request| {
            asked.store(true, Relaxed);
            async move { Ok::<_, Infallible>(self.service.handle(request, client, scheme).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_header_size(self.max_header())
            .max_buf_size(self.max_header().max(BUFFER))
            .half_close(false)
            .serve_connection(TokioIo::new(stream), answer);
        drive(connection, client, Patience { idle: None, rest: self.service.rules().reader_wait }, &asked, stop).await;
    }

    async fn http_2<S>(&self, stream: S, client: &Client, scheme: &Scheme, stop: Stop)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let asked = Arc::new(AtomicBool::new(false));
        let (service, scheme, noted) = (Arc::clone(&self.service), scheme.clone(), Arc::clone(&asked));
        let its = client.clone();
        let answer = service_fn(move |request| {
            noted.store(true, Relaxed);
            let (service, scheme, client) = (Arc::clone(&service), scheme.clone(), its.clone());
            async move { Ok::<_, Infallible>(service.handle(request, &client, &scheme).await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_header_list_size(u32::try_from(self.max_header()).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(TokioIo::new(stream), answer);
        drive(connection, client, Patience { idle: Some(IDLE), rest: self.service.rules().reader_wait }, &asked, stop)
            .await;
    }
}

/// How long a client may do nothing.
struct Patience {
    /// Ask for nothing, once it has asked for something.
    idle: Option<Duration>,
    /// Leave what was answered unread, when no component works for it any more.
    rest: Duration,
}

/// Runs the connection to its end, to the shutdown's, or until its client does nothing.
async fn drive<C>(connection: C, client: &Client, patience: Patience, asked: &AtomicBool, mut stop: Stop)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    tokio::pin!(connection);
    let (mut is_new, mut is_closing, mut last_asked) = (true, false, Instant::now());
    loop {
        tokio::select! {
            biased;
            served = connection.as_mut() => return end(client, served),
            () = async { drop(stop.wait_for(|stop| *stop).await) } => {
                connection.as_mut().graceful_shutdown();
                return end(client, connection.await);
            }
            () = tokio::time::sleep(HEADER_TIMEOUT) => {}
        }
        if asked.swap(false, Relaxed) {
            last_asked = Instant::now();
        } else if is_new {
            // Neither a head nor, of HTTP/2, a preface: such a client waits for something else.
            return;
        }
        is_new = false;
        if client.socket.rests_for(patience.rest, is_closing) {
            return debug!(%client, "a client that left its answers unread was cut off");
        }
        if !is_closing && patience.idle.is_some_and(|idle| last_asked.elapsed() >= idle) {
            // Answers that are still on their way are sent to their end.
            connection.as_mut().graceful_shutdown();
            is_closing = true;
        }
    }
}

fn end<E: std::fmt::Display>(client: &Client, served: Result<(), E>) {
    if let Err(error) = served {
        debug!(%client, "a connection ended early: {error}");
    }
}

/// Looks at the first bytes without taking them.
async fn begins_as_http_2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await?;
        let begun = first.get(..seen).unwrap_or_default();
        if seen == 0 || !PREFACE.starts_with(begun) {
            return Ok(false);
        }
        if seen == PREFACE.len() {
            return Ok(true);
        }
        // The rest of the word is on its way; there is no wake-up for it, because some of it is there already.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
