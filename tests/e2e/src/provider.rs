//! A provider on loopback that takes messages and gives files as Meta's Cloud API does, or is at fault in one of the ways that providers are.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How it is.
#[derive(Clone, Debug)]
pub enum Mood {
    /// Answers 200 with an id of its own: `wamid.1`, `wamid.2`, …
    Takes,
    Answers(u16, Value),
    Babbles,
    Hangs,
    HangsUp,
}

/// Listens until it is dropped.
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    mood: Mutex<Mood>,
    calls: Mutex<Vec<Call>>,
    /// By id: what was sent to us. Anything else is not there.
    files: Mutex<HashMap<String, Vec<u8>>>,
    base: String,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub is_authorized: bool,
    /// The lines before the body, in lower case.
    pub head: String,
    pub body: Value,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, base) = (Mutex::new(Mood::Takes), format!("http://{address}"));
        let shared = Arc::new(Shared { mood, calls: Mutex::default(), files: Mutex::default(), base });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { address, shared, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Somebody's file, which a webhook names by this id.
    pub fn has(&self, id: &str, bytes: &[u8]) {
        self.shared.files.lock().unwrap().insert(id.to_owned(), bytes.to_vec());
    }

    pub fn is(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Those that carried this text.
    pub fn calls_with(&self, text: &str) -> usize {
        self.calls().iter().filter(|call| call.body["text"]["body"] == text).count()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call a connection.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(call) = read(&mut stream).await else { return };
    let number = {
        let mut calls = shared.calls.lock().unwrap();
        calls.push(call.clone());
        calls.len()
    };
    let mood = shared.mood.lock().unwrap().clone();
    let file = shared.file(&call);
    let (status, body) = match mood {
        Mood::Takes if call.method == "GET" => file.map_or((404, Vec::new()), |body| (200, body)),
        Mood::Takes => {
            let id = json!([{"id": format!("wamid.{number}")}]);
            (200, json!({"messaging_product": "whatsapp", "messages": id}).to_string().into_bytes())
        }
        Mood::Answers(status, body) => (status, body.to_string().into_bytes()),
        Mood::Babbles => (200, b"<html>".to_vec()),
        Mood::Hangs => std::future::pending().await,
        Mood::HangsUp => return,
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
}

impl Shared {
    /// `/v23.0/<id>` tells where a file is, `/files/<id>` is it; both for who has the token.
    fn file(&self, call: &Call) -> Option<Vec<u8>> {
        let (place, id) = call.path.trim_start_matches('/').split_once('/')?;
        let bytes = self.files.lock().unwrap().get(id).filter(|_| call.is_authorized)?.clone();
        match place {
            "files" => Some(bytes),
            _ => Some(json!({"id": id, "url": format!("{}/files/{id}", self.base)}).to_string().into_bytes()),
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let mut words = head.split(' ').map(str::to_owned);
                let (method, path) = (words.next()?, words.next()?);
                let is_authorized = lower.contains("\nauthorization:");
                return Some(Call {
                    method,
                    path,
                    is_authorized,
                    head: lower,
                    body: serde_json::from_str(body).unwrap_or(Value::Null),
                });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
