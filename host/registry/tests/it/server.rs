//! A registry of the test's own: the requests that fetching takes.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

pub const WASM: &str = "application/wasm";

/// An image with these layers, by whatever name it is asked for; what a blob's digest promises, and what comes instead.
pub struct Registry {
    pub manifest: Vec<u8>,
    pub blobs: Vec<(String, Vec<u8>)>,
    /// `name:password` in base64.
    pub password: Option<&'static str>,
    /// The image is called so: repository and tags.
    pub name: &'static str,
    pub tags: &'static [&'static str],
    /// What it tells about itself.
    pub metadata: Option<String>,
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

impl Registry {
    pub fn of(layers: &[(&str, &[u8])]) -> Self {
        Self::with_config(b"{}", layers)
    }

    pub fn with_config(config: &[u8], layers: &[(&str, &[u8])]) -> Self {
        let described: Vec<_> = layers
            .iter()
            .map(|(kind, bytes)| json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() }))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(config), "size": config.len() },
            "layers": described,
        });
        let blobs = layers.iter().map(|(_, bytes)| *bytes).chain([config]);
        let blobs = blobs.map(|bytes| (digest(bytes), bytes.to_vec())).collect();
        let manifest = manifest.to_string().into_bytes();
        Self { manifest, blobs, password: None, name: "test/component", tags: &["1"], metadata: None }
    }

    pub async fn serve(self) -> SocketAddr {
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
        let in_repository = |rest: &str| Some(rest.strip_prefix(self.name)?.strip_prefix('/')?.to_owned());
        let found = match path.strip_prefix("/v2/") {
            Some("") => Some(Vec::new()),
            Some(rest) => match in_repository(rest).as_deref().and_then(|rest| rest.split_once('/')) {
                Some(("manifests", name)) if self.tags.contains(&name) || name.starts_with("sha256:") => {
                    Some(self.manifest.clone())
                }
                Some(("blobs", name)) => blob(name),
                Some(("tags", "list")) => {
                    Some(json!({ "name": self.name, "tags": self.tags }).to_string().into_bytes())
                }
                _ => None,
            },
            None if path == "/.well-known/wasm-pkg/registry.json" => self.metadata.clone().map(String::into_bytes),
            None => None,
        };
        let mut answer = Response::new(Full::from(found.clone().unwrap_or_default()));
        if found.is_none() {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        answer
    }
}
