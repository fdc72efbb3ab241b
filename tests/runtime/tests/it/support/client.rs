//! A client of the host under test: whole answers, and the raw bytes of a connection where the protocol itself is tested.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here takes: who waits so long has found a hang.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    pooled: Pooled<HttpConnector, Full<Bytes>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub took: Duration,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, pooled: Pooled::builder(TokioExecutor::new()).build_http() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(self.url(path)).body(Full::default()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Request::post(self.url(path)).body(Full::new(body.into())).unwrap()).await
    }

    pub async fn post_as(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let request = Request::post(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Full::new(body.into())).unwrap()).await
    }

    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Full::default()).unwrap()).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let began = Instant::now();
        let answer = async {
            let (head, body) = self.pooled.request(request).await.unwrap().into_parts();
            let body =
                body.collect().await.map(|body| body.to_bytes()).unwrap_or_else(|error| panic!("{asked}: {error}"));
            Answer {
                status: head.status,
                headers: head.headers,
                body: String::from_utf8_lossy(&body).into_owned(),
                took: began.elapsed(),
            }
        };
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("no answer to {asked}"))
    }

    pub async fn connect(&self) -> Connection {
        Connection { stream: TcpStream::connect(self.address).await.unwrap(), unread: Vec::new() }
    }

    /// Sends these bytes on a connection of their own and reads until the host closes it.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut connection = self.connect().await;
        connection.write(bytes).await;
        connection.rest().await
    }
}

/// One connection, byte by byte. Dropping it closes it.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// False when the host has closed the connection.
    pub async fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Nothing more will come.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Reads up to and with `end`.
    pub async fn read_until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = find(&self.unread, end.as_bytes()) {
                let rest = self.unread.split_off(at + end.len());
                let read = std::mem::replace(&mut self.unread, rest);
                return String::from_utf8_lossy(&read).into_owned();
            }
            assert!(self.fill().await, "closed before `{end}`, after `{}`", String::from_utf8_lossy(&self.unread));
        }
    }

    /// Everything until the host closes the connection.
    pub async fn rest(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    async fn fill(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        // A reset ends a connection as well.
        let length = read.unwrap_or_else(|_| panic!("no more bytes after `{}`", String::from_utf8_lossy(&self.unread)));
        let length = length.unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
