//! A provider on loopback that takes messages as Meta's Cloud API does, or is at fault in one of the ways that providers are.

use serde_json::{Value, json};
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
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub body: Value,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { mood: Mutex::new(Mood::Takes), calls: Mutex::default() });
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
        calls.push(call);
        calls.len()
    };
    let mood = shared.mood.lock().unwrap().clone();
    let (status, body) = match mood {
        Mood::Takes => {
            let id = json!([{"id": format!("wamid.{number}")}]);
            (200, json!({"messaging_product": "whatsapp", "messages": id}).to_string())
        }
        Mood::Answers(status, body) => (status, body.to_string()),
        Mood::Babbles => (200, "<html>".to_owned()),
        Mood::Hangs => std::future::pending().await,
        Mood::HangsUp => return,
    };
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some(Call { path, body: serde_json::from_str(body).unwrap_or(Value::Null) });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
