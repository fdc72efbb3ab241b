//! One component.

use crate::server::{Registry, WASM, digest};
use kobliat_registry::{Access, Credentials, Error, fetch, reference};
use serde_json::json;
use std::net::SocketAddr;

async fn fetched(address: SocketAddr, name: &str, access: &Access) -> Result<Vec<u8>, Error> {
    let reference = reference(&format!("{address}/{name}")).unwrap();
    Ok(fetch(&reference, access, 1 << 20).await?.wasm)
}

async fn refusal(address: SocketAddr, name: &str) -> String {
    fetched(address, name, &Access::default()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn fetches_the_component_among_the_layers_by_tag_and_by_digest() {
    let registry = Registry::of(&[("text/plain", b"read me"), (WASM, b"a component")]);
    let by_digest = format!("test/component@{}", digest(&registry.manifest));
    let address = registry.serve().await;
    for name in ["test/component:1", &by_digest] {
        assert_eq!(fetched(address, name, &Access::default()).await.unwrap(), b"a component", "{name}");
    }
}

#[tokio::test]
async fn a_registry_that_nobody_answers_for_is_told_with_its_cause() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refusal = refusal(address, "test/component:1").await;
    assert!(refusal.contains("refused"), "{refusal}");
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
    let access = Access { credentials, ..Access::default() };
    assert_eq!(fetched(address, "test/component:1", &access).await.unwrap(), b"a component");
}
