//! One kept-open connection, made anew when it breaks.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub struct Connection {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub fn to(address: SocketAddr) -> Connection {
        Connection { address, sender: None }
    }

    /// Sends, reads the whole answer, and fails on anything but 2xx.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => connect(self.address).await?,
        };
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        sender.ready().await?;
        self.sender = Some(sender);
        anyhow::ensure!(status.is_success(), "answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
