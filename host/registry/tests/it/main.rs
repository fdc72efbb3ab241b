//! A registry of the test's own: the three requests that fetching a component takes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use kobliat_registry::{Credentials, Error, fetch, reference};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

const WASM: &str = "application/wasm";

/// `test/component:1` with these layers; what a blob's digest promises, and what comes instead.
struct Registry {
    manifest: Vec<u8>,
    blobs: Vec<(String, Vec<u8>)>,
    /// `name:password` in base64.
    password: Option<&'static str>,
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

impl Registry {
    fn of(layers: &[(&str, &[u8])]) -> Self {
        let described: Vec<_> = layers
            .iter()
            .map(|(kind, bytes)| json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() }))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(b"{}"), "size": 2 },
            "layers": described,
        });
        let blobs = layers.iter().map(|(_, bytes)| (digest(bytes), bytes.to_vec())).collect();
        Self { manifest: manifest.to_string().into_bytes(), blobs, password: None }
    }

    async fn serve(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, registry) = (listener.local_addr().unwrap(), Arc::new(self));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let registry = Arc::clone(&registry);
                let answer = hyper::service::service_fn(move |request| {
                    let answer = registry.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        address
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        if let Some(password) = self.password
            && given != Some(&format!("Basic {password}"))
        {
            let challenge = Response::builder().status(401).header("www-authenticate", "Basic realm=\"test\"");
            return challenge.body(Full::default()).unwrap();
        }
        let path = request.uri().path();
        let blob = |name: &str| self.blobs.iter().find(|(digest, _)| digest == name).map(|(_, bytes)| bytes.clone());
        let found = match path.strip_prefix("/v2/") {
            Some("") => Some(Vec::new()),
            Some(rest) => match rest.strip_prefix("test/component/").and_then(|rest| rest.split_once('/')) {
                Some(("manifests", name)) if name == "1" || name.starts_with("sha256:") => Some(self.manifest.clone()),
                Some(("blobs", name)) => blob(name),
                _ => None,
            },
            None => None,
        };
        let mut answer = Response::new(Full::from(found.clone().unwrap_or_default()));
        if found.is_none() {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        answer
    }
}

async fn fetched(address: SocketAddr, name: &str, credentials: &Credentials) -> Result<Vec<u8>, Error> {
    let reference = reference(&format!("{address}/{name}")).unwrap();
    Ok(fetch(&reference, credentials, 1 << 20).await?.wasm)
}

async fn refusal(address: SocketAddr, name: &str) -> String {
    fetched(address, name, &Credentials::default()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn fetches_the_component_among_the_layers_by_tag_and_by_digest() {
    let registry = Registry::of(&[("text/plain", b"read me"), (WASM, b"a component")]);
    let by_digest = format!("test/component@{}", digest(&registry.manifest));
    let address = registry.serve().await;
    for name in ["test/component:1", &by_digest] {
        assert_eq!(fetched(address, name, &Credentials::default()).await.unwrap(), b"a component", "{name}");
    }
}

#[tokio::test]
async fn what_is_not_what_its_digest_says_is_refused() {
    let mut registry = Registry::of(&[(WASM, b"a component")]);
    registry.blobs[0].1 = b"another one".to_vec();
    let other = format!("test/component@{}", digest(b"another manifest"));
    let address = registry.serve().await;
    assert!(refusal(address, "test/component:1").await.contains("digest"), "of the layer");
    assert!(refusal(address, &other).await.contains("digest"), "of the manifest");
}

#[tokio::test]
async fn an_image_without_one_component_is_refused() {
    let address = Registry::of(&[("text/plain", b"read me")]).serve().await;
    assert!(refusal(address, "test/component:1").await.contains("0 WebAssembly layers"));
    let address = Registry::of(&[(WASM, b"one"), (WASM, b"two")]).serve().await;
    assert!(refusal(address, "test/component:1").await.contains("2 WebAssembly layers"));
    assert!(refusal(address, "test/component:2").await.contains("failed to fetch"));
}

#[tokio::test]
async fn no_more_is_read_than_a_component_may_have() {
    let address = Registry::of(&[(WASM, &vec![0; (1 << 20) + 1])]).serve().await;
    assert!(refusal(address, "test/component:1").await.contains("larger than"));
}

#[tokio::test]
async fn docker_knows_who_we_are() {
    let mut registry = Registry::of(&[(WASM, b"a component")]);
    registry.password = Some("bWU6c2VjcmV0");
    let address = registry.serve().await;
    assert!(refusal(address, "test/component:1").await.contains("failed to fetch"));
    let folder = tempfile::tempdir().unwrap();
    let auths = json!({ "auths": { address.to_string(): { "auth": "bWU6c2VjcmV0" } } });
    std::fs::write(folder.path().join("config.json"), auths.to_string()).unwrap();
    let credentials = Credentials::in_directory(Some(folder.path()));
    assert_eq!(fetched(address, "test/component:1", &credentials).await.unwrap(), b"a component");
}
