//! Packages: which registry has them, under which name, in which versions.

use crate::server::{Registry, WASM};
use kobliat_registry::{Access, Error, Repository, fetch};
use semver::Version;
use serde_json::json;

fn registry(name: &'static str) -> Registry {
    Registry { name, tags: &["1.0.0", "1.2.0_build", "latest", "0.9.0"], ..Registry::of(&[(WASM, b"a package")]) }
}

#[tokio::test]
async fn a_package_is_at_its_namespace_and_name_in_its_versions() {
    let (address, access) = (registry("acme/greeter").serve().await.to_string(), Access::default());
    let repository = Repository::of("acme:greeter", Some(&address), &access).await.unwrap();
    let versions: Vec<String> = repository.versions(&access).await.unwrap().iter().map(Version::to_string).collect();
    assert_eq!(versions, ["1.0.0", "1.2.0+build", "0.9.0"]);
    let newest = repository.at(&Version::parse("1.2.0+build").unwrap());
    assert_eq!(fetch(&newest, &access, 1 << 20).await.unwrap().wasm, b"a package");
}

#[tokio::test]
async fn a_registry_tells_where_its_packages_are() {
    let images = registry("mirror/of/acme/greeter").serve().await;
    let metadata = json!({ "oci": { "registry": images.to_string(), "namespacePrefix": "mirror/of/" } }).to_string();
    let named = Registry { metadata: Some(metadata), ..Registry::of(&[]) }.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, format!("[namespace_registries]\nacme = \"{named}\"\n")).unwrap();
    let access = Access { packages: Some(config), ..Access::default() };
    let repository = Repository::of("acme:greeter", None, &access).await.unwrap();
    assert_eq!(repository.versions(&access).await.unwrap().len(), 3);
    let unknown = Repository::of("other:greeter", None, &access).await.unwrap_err();
    assert!(matches!(unknown, Error::NoRegistry(_)), "{unknown}");
}

#[tokio::test]
async fn a_registry_that_has_no_images_is_refused() {
    let metadata = json!({ "warg": { "url": "https://warg.example" } }).to_string();
    let address = Registry { metadata: Some(metadata), ..Registry::of(&[]) }.serve().await.to_string();
    let refused = Repository::of("acme:greeter", Some(&address), &Access::default()).await.unwrap_err();
    assert!(refused.to_string().contains("by the protocol `warg`"), "{refused}");
    let refused = Repository::of("acme:greeter", Some("ghcr.io/acme"), &Access::default()).await.unwrap_err();
    assert!(refused.to_string().contains("write its host"), "{refused}");
}
