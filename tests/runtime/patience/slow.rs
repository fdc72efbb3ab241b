//! Clients of HTTP/2 that send a part of a body, or let nothing of an answer come.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

type Asked = JoinHandle<hyper::Result<Response<Incoming>>>;

/// A body that has no end.
pub struct Never(Option<Bytes>);

impl Never {
    pub fn after(first: &str) -> Self {
        Self(Some(Bytes::from(first.to_owned())).filter(|first| !first.is_empty()))
    }
}

impl Body for Never {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.0.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Poll::Pending,
        }
    }
}

/// A connection whose streams take no byte of an answer.
pub struct Slow2 {
    address: SocketAddr,
    sender: SendRequest<Either>,
    asked: Vec<Asked>,
}

/// What is sent: a body that never ends, or none.
pub enum Either {
    Never(Never),
    Ended,
}

impl Body for Either {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Never(never) => Pin::new(never).poll_frame(context),
            Self::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

impl Slow2 {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) =
            http2::Builder::new(TokioExecutor::new()).initial_stream_window_size(0).handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { address, sender, asked: Vec::new() }
    }

    pub async fn post(&mut self, path: &str, body: Never) {
        let request = Request::post(format!("http://{}{path}", self.address)).body(Either::Never(body)).unwrap();
        self.send(request).await;
    }

    pub async fn get(&mut self, path: &str) {
        let request = Request::get(format!("http://{}{path}", self.address)).body(Either::Ended).unwrap();
        self.send(request).await;
    }

    async fn send(&mut self, request: Request<Either>) {
        self.sender.ready().await.unwrap();
        let asked = self.sender.send_request(request);
        self.asked.push(tokio::spawn(asked));
    }
}
