//! Components and their parts by URL: fetched once, compared with their digest, there without a network the next time.

use crate::support::guests;
use crate::support::host::{Start, application};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves the folder of the guests; `/moved/x` is now at `/x`.
struct Shelf {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Shelf {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, requests }
    }
}

async fn serve(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
    let (status, extra, body) = match path.strip_prefix("moved/") {
        Some(moved) => ("302 Found", format!("location: /{moved}\r\n"), Vec::new()),
        None => match std::fs::read(guests::folder().join(&path)) {
            Ok(bytes) => ("200 OK", String::new(), bytes),
            Err(_) => ("404 Not Found", String::new(), Vec::new()),
        },
    };
    let head = format!("HTTP/1.1 {status}\r\n{extra}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    drop(stream.write_all(head.as_bytes()).await);
    drop(stream.write_all(&body).await);
}

fn digest(guest: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(std::fs::read(guests::folder().join(guest)).unwrap())))
}

/// A component, its dependency and its layer, all from the shelf.
fn fetched(shelf: &Shelf, middleware: &str) -> (Start, TempDir) {
    let url = |path: &str| format!("http://{}/{path}", shelf.address);
    let part = |path: &str, digest: &str| format!("{{ url = \"{}\", digest = \"{digest}\" }}", url(path));
    let layer = part("moved/middleware.wasm", middleware);
    application(&format!(
        "spin_manifest_version = 2\napplication = {{ name = \"fetched\" }}\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\ndependencies = {{ middleware = [{layer}] }}\n\
         [component.one]\nsource = {layer}\n[component.one.dependencies]\n\"wasi:http/handler@0.3.0\" = {}\n",
        part("hello.wasm", &digest("hello.wasm").to_uppercase().replace("SHA256", "sha256"))
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_once_is_there_without_a_network() {
    let shelf = Shelf::start().await;
    let (start, folder) = fetched(&shelf, &digest("middleware.wasm"));
    let host = start.start().await;
    let answer = host.get("/").await;
    assert_eq!(answer.headers.get_all("x-layer").iter().count(), 2, "as a layer, and as the component itself");
    answer.expect(200);
    let asked = shelf.requests.load(SeqCst);
    assert_eq!(asked, 3, "each file once, and one redirection");
    let host = host.restart(Start::at(folder.path().to_owned())).await;
    host.get("/").await.expect(200);
    assert_eq!(shelf.requests.load(SeqCst), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_digest_is_refused_with_both() {
    let shelf = Shelf::start().await;
    let wanted = format!("sha256:{}", "0".repeat(64));
    let (start, _folder) = fetched(&shelf, &wanted);
    let reason = start.refusal().await;
    for part in [wanted.as_str(), digest("middleware.wasm").as_str(), "it was changed"] {
        assert!(reason.contains(part), "expected `{part}` in: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_fetched_is_named() {
    let shelf = Shelf::start().await;
    let zero = "0".repeat(64);
    let cases = [
        (format!("http://{}/nothing.wasm", shelf.address), "404 Not Found"),
        ("http://127.0.0.1:1/one.wasm".to_owned(), "Connection refused"),
        ("ftp://example.com/one.wasm".to_owned(), "is no URL of http or https"),
    ];
    for (url, expected) in cases {
        let (start, _folder) = application(&format!(
            "spin_manifest_version = 2\napplication = {{ name = \"a\" }}\n[[trigger.http]]\nroute = \"/...\"\n\
             component = \"one\"\n[component.one]\nsource = {{ url = \"{url}\", digest = \"sha256:{zero}\" }}\n"
        ));
        let reason = start.refusal().await;
        assert!(reason.contains(expected) && reason.contains("component `one`"), "expected `{expected}` in: {reason}");
    }
}
