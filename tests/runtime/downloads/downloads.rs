//! Components and their parts by URL and by package: fetched once, there without a network the next time.

use crate::support::guests;
use crate::support::host::{Start, application};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves the folder of the guests; `/moved/x` is now at `/x`, and `/v2/acme/x` is an image of `x.wasm`, in two versions.
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
        None => match image(&path).or_else(|| std::fs::read(guests::folder().join(&path)).ok()) {
            Some(bytes) => ("200 OK", String::new(), bytes),
            None => ("404 Not Found", String::new(), Vec::new()),
        },
    };
    let head = format!("HTTP/1.1 {status}\r\n{extra}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    drop(stream.write_all(head.as_bytes()).await);
    drop(stream.write_all(&body).await);
}

/// What a registry answers.
fn image(path: &str) -> Option<Vec<u8>> {
    let (guest, asked) = path.strip_prefix("v2/acme/")?.split_once('/')?;
    let guest = format!("{guest}.wasm");
    let layer = json!({ "mediaType": "application/wasm", "digest": digest(&guest), "size": 0 });
    let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": layer, "layers": [layer] });
    match asked.split_once('/')? {
        ("manifests", "1.0.0" | "1.1.0") => Some(manifest.to_string().into_bytes()),
        ("tags", tags) if tags.starts_with("list") => {
            Some(json!({ "name": guest, "tags": ["1.0.0", "1.1.0", "2.0.0"] }).to_string().into_bytes())
        }
        ("blobs", _) => std::fs::read(guests::folder().join(guest)).ok(),
        _ => None,
    }
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
async fn packages_come_from_their_registry_in_the_version_that_is_wanted() {
    let shelf = Shelf::start().await;
    let package = |name: &str, version: &str| {
        format!("{{ package = \"acme:{name}\", version = \"{version}\", registry = \"{}\" }}", shelf.address)
    };
    let text = |version: &str| {
        let (component, layer) = (package("hello", "1.0.0"), package("middleware", version));
        format!(
            "spin_manifest_version = 2\napplication = {{ name = \"packaged\" }}\n\
             [[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\ndependencies = {{ middleware = [{layer}] }}\n\
             [component.one]\nsource = {component}\n"
        )
    };
    let (start, folder) = application(&text("^1"));
    let cache = folder.path().join("fetched");
    let elsewhere = |start: Start| start.options(|options| options.cache_dir = Some(cache.clone()));
    let host = elsewhere(start).start().await;
    let answer = host.get("/").await;
    assert_eq!(answer.headers.get_all("x-layer").iter().count(), 1);
    answer.expect(200);
    let registry = format!("at-{}", shelf.address);
    let kept = |name: &str| cache.join("downloads/packages").join(&registry).join(name).exists();
    assert!(kept("acme_hello/1.0.0.wasm") && kept("acme_middleware/1.1.0.wasm"), "the newest of 1");
    // What is here is not fetched again; which version is the newest is asked.
    let asked = shelf.requests.load(SeqCst);
    let host = host.restart(elsewhere(Start::at(folder.path().to_owned()))).await;
    host.get("/").await.expect(200);
    assert!(shelf.requests.load(SeqCst) <= asked + 4, "{asked}, then {}", shelf.requests.load(SeqCst));
    let (start, _folder) = application(&text("^3"));
    let reason = start.refusal().await;
    assert!(reason.contains("no version of `acme:middleware` is ^3; there is 1.0.0, 1.1.0, 2.0.0"), "{reason}");
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
