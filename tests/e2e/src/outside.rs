//! The platform as the world sees it: one address, an API key, and webhooks signed as Meta signs them.

use crate::{Reply, secrets, whatsapp};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Clone)]
pub struct Outside {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Outside {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.api(Method::GET, path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.api(Method::POST, path, &[], body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.api(Method::PUT, path, &[], body.to_string()).await
    }

    /// With the API key, and JSON where there is a body; `headers` come on top.
    pub async fn api(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        let with_key: Vec<_> = [("x-api-key", secrets::API_KEY)].into_iter().chain(headers.iter().copied()).collect();
        self.send(method, path, &with_key, body).await
    }

    /// With exactly these headers (and a JSON content type, unless they have one).
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    /// For a platform that may be going down.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Error> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.request(request.body(Full::new(body.into())).unwrap()).await?;
        let (parts, body) = answer.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            // The head promised a body that never came: no answer was given.
            Err(_) => return Ok(Reply { status: 0, headers: parts.headers, body: Bytes::new() }),
        };
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// A webhook, signed.
    pub async fn webhook(&self, payload: &Value) -> Reply {
        self.webhook_bytes(payload.to_string()).await
    }

    pub async fn webhook_bytes(&self, body: impl Into<Bytes>) -> Reply {
        self.try_webhook(body).await.unwrap()
    }

    pub async fn try_webhook(&self, body: impl Into<Bytes>) -> Result<Reply, Error> {
        let body = body.into();
        let signature = whatsapp::signature(&body);
        self.try_send(Method::POST, whatsapp::PATH, &[(whatsapp::SIGNATURE, &signature)], body).await
    }

    /// All items of a list, page by page, by cursor.
    pub async fn walk(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut next = format!("{path}{joint}limit=100");
        loop {
            let page = self.get(&next).await.expect(200);
            items.extend(page["data"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return items };
            next = format!("{path}{joint}limit=100&cursor={cursor}");
        }
    }

    pub async fn conversations(&self) -> Vec<Value> {
        self.walk("/api/v1/conversations").await
    }

    pub async fn messages_of(&self, conversation: &Value) -> Vec<Value> {
        let id = conversation["id"].as_str().unwrap();
        self.walk(&format!("/api/v1/conversations/{id}/messages")).await
    }

    /// Every message of every conversation.
    pub async fn messages(&self) -> Vec<Value> {
        let mut messages = Vec::new();
        for conversation in self.conversations().await {
            messages.extend(self.messages_of(&conversation).await);
        }
        messages
    }

    /// Bytes that no HTTP client would send, and all that is answered until the connection closes. Write `Connection: close`.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A host that has heard enough answers and closes before it has read everything.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A client that says this much and goes away.
    pub async fn hang_up_after(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
    }
}
