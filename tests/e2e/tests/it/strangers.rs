//! Strangers who only hold connections: webhooks and the API answer everybody else.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kobliat_e2e::{TestApp, eventually, in_both_modes, whatsapp};
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

/// From an address of the strangers' own: the host gives each client address a share.
async fn connect(host: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(host).await.unwrap()
}

/// Requests whose bodies stop after this.
async fn unfinished(address: SocketAddr, count: usize, request: &str) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = connect(address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    streams
}

/// A connection of HTTP/2 on which nobody reads what was asked for.
async fn unread(address: SocketAddr, count: usize, path: &str) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TokioIo::new(connect(address).await);
    let mut client = http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(0).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..count {
        sender.ready().await.unwrap();
        let request = Request::get(format!("http://{address}{path}")).body(Empty::new()).unwrap();
        let asked = sender.send_request(request);
        // The answers are kept, unread, as long as this runs.
        tokio::spawn(async move {
            let answer = asked.await;
            std::future::pending::<()>().await;
            drop(answer);
        });
    }
    sender
}

in_both_modes! {
    async fn idle_strangers_keep_nobody_out(mode: Mode) {
        if kobliat_e2e::skipped("our HTTP server") {
            return;
        }
        let app = TestApp::start(mode).await;
        let address = app.outside().address();
        let mut held = Vec::new();
        for path in [whatsapp::PATH, "/api/v1/customers"] {
            let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n");
            held.push(unfinished(address, 200, &format!("{head}Content-Length: 1000\r\n\r\n")).await);
            held.push(unfinished(address, 200, &format!("{head}Content-Length: 1000\r\n\r\n{{")).await);
            held.push(unfinished(address, 200, &format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n")).await);
        }
        let _unread = [unread(address, 200, "/openapi.json").await, unread(address, 200, "/openapi.json").await];

        let webhook = whatsapp::one_text("beside", "16505550001", "hello").to_string();
        app.webhook_bytes(webhook).await.expect(200);
        app.get("/api/v1/customers").await.expect(200);
        eventually("the conversation", async || (app.conversations().await.len() == 1).then_some(())).await;
        app.stop().await;
    }
}
