//! A receiver of webhooks on this machine: keeps what it gets, and answers as a test has it answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Got {
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// What is no text in it is replaced.
    pub body: String,
    pub path: String,
    /// What it was answered.
    pub status: u16,
}

impl Got {
    /// Whether one of its signatures is by this secret (`whsec_…`), as Standard Webhooks has it.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(
            format!("{}.{}.{}", self.headers["webhook-id"], self.headers["webhook-timestamp"], self.body).as_bytes(),
        );
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').any(|one| one == signature)
    }
}

pub struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<Got>>>,
    server: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (status, got) = (Arc::new(AtomicU16::new(204)), Arc::new(Mutex::new(Vec::new())));
        let (answered, kept) = (Arc::clone(&status), Arc::clone(&got));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answered), Arc::clone(&kept)));
            }
        });
        Self { url, status, got, server }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        self.status.store(status, SeqCst);
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One request, then the connection is closed.
async fn serve(stream: TcpStream, status: Arc<AtomicU16>, got: Arc<Mutex<Vec<Got>>>) {
    let mut stream = BufReader::new(stream);
    let (mut headers, mut line, mut path) = (HashMap::new(), String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return; // A client that went away.
        }
        if line.trim().is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some((name, value)) = line.trim().split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let status = status.load(SeqCst);
    got.lock().unwrap().push(Got { headers, body: String::from_utf8_lossy(&body).into_owned(), path, status });
    let answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    drop(stream.write_all(answer.as_bytes()).await);
}
