//! Applications, as `spin registry push` makes them.

use crate::server::{Registry, WASM, digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use kobliat_registry::{Access, Error, pull, reference};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const APPLICATION: &str = "application/vnd.fermyon.spin.application.v1+config";
const DATA: &str = "application/vnd.wasm.content.layer.v1+data";
const ARCHIVE: &str = "application/vnd.wasm.content.bundle.v1.tar+gzip";

const WEB: &[u8] = b"the web component";
const LOGGER: &[u8] = b"its dependency";
const PAGE: &[u8] = b"<h1>a page</h1>";

fn lock() -> Value {
    json!({
        "spin_lock_version": 1,
        "must_understand": ["host_requirements"],
        "host_requirements": { "local_service_chaining": "required" },
        "metadata": { "name": "shop", "version": "1.2.3", "description": null, "origin": "vnd.fermyon.origin-oci:x" },
        "variables": { "token": { "secret": true }, "color": { "default": "red" } },
        "triggers": [
            { "id": "web-http", "trigger_type": "http", "trigger_config": { "component": "web", "route": "/...", "executor": null } },
            { "id": "told", "trigger_type": "http",
              "trigger_config": { "route": "/told", "static_response": { "status_code": 204 } } },
        ],
        "components": [{
            "id": "web",
            "metadata": { "allowed_outbound_hosts": ["https://example.com"], "databases": ["default"], "build": { "command": "make" } },
            "source": { "content_type": "application/wasm", "digest": digest(WEB) },
            "env": { "LANG": "en" },
            "config": { "token": "{{ token }}" },
            "files": [
                { "digest": digest(PAGE), "path": "pages/index.html" },
                { "digest": digest(PAGE), "path": "pages/copy.html" },
                { "inline": "aGk=", "digest": digest(b"hi"), "path": "hi.txt" },
            ],
            "dependencies": { "acme:log/log@1.0.0": {
                "source": { "content_type": "application/wasm", "digest": digest(LOGGER) }, "export": null, "inherit": { "Some": ["files"] },
            } },
        }],
    })
}

async fn pulled(registry: Registry) -> Result<(PathBuf, TempDir), Error> {
    let cache = tempfile::tempdir().unwrap();
    let address = registry.serve().await;
    let reference = reference(&format!("{address}/test/component:1")).unwrap();
    let pulled = pull(&reference, &Access::default(), cache.path()).await?;
    // A second time everything is here.
    assert_eq!(pull(&reference, &Access::default(), cache.path()).await?, pulled);
    Ok((pulled, cache))
}

fn expect_the_shop(manifest: &Path) {
    let folder = manifest.parent().unwrap();
    let read = |path: &str| std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let table: toml::Table = toml::from_str(std::str::from_utf8(&read("spin.toml")).unwrap()).unwrap();
    let web = &table["component"]["web"];
    assert_eq!(read(web["source"].as_str().unwrap()), WEB);
    let logger = &web["dependencies"]["acme:log/log@1.0.0"];
    assert_eq!(read(logger["path"].as_str().unwrap()), LOGGER);
    assert_eq!(logger["inherit_configuration"].as_array().unwrap().len(), 1);
    let assets = web["files"][0]["source"].as_str().unwrap();
    for (name, content) in [("pages/index.html", PAGE), ("pages/copy.html", PAGE), ("hi.txt", b"hi")] {
        assert_eq!(read(&format!("{assets}/{name}")), content);
    }
    assert_eq!(web["sqlite_databases"][0].as_str(), Some("default"));
    assert_eq!(web["environment"]["LANG"].as_str(), Some("en"));
    assert_eq!(web["variables"]["token"].as_str(), Some("{{ token }}"));
    assert!(web.get("build").is_none());
    assert_eq!(table["variables"]["token"]["required"].as_bool(), Some(true));
    assert_eq!(table["trigger"]["http"].as_array().unwrap().len(), 2);
    assert_eq!(table["trigger"]["http"][1]["static_response"]["status_code"].as_integer(), Some(204));
}

#[tokio::test]
async fn an_application_becomes_a_folder_with_a_manifest() {
    let lock = lock().to_string();
    let layers = [(WASM, WEB), (WASM, LOGGER), (DATA, PAGE), (APPLICATION, lock.as_bytes())];
    let (manifest, cache) = pulled(Registry::of(&layers)).await.unwrap();
    expect_the_shop(&manifest);
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn it_may_be_the_config_and_its_files_an_archive() {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(PAGE.len() as u64);
    archive.append_data(&mut header, "whatever/it/was", PAGE).unwrap();
    let archive = archive.into_inner().unwrap().finish().unwrap();
    let lock = lock().to_string();
    let registry = Registry::with_config(lock.as_bytes(), &[(WASM, WEB), (WASM, LOGGER), (ARCHIVE, &archive)]);
    expect_the_shop(&pulled(registry).await.unwrap().0);
}

#[tokio::test]
async fn a_component_alone_is_a_file() {
    let (file, _cache) = pulled(Registry::of(&[(WASM, WEB)])).await.unwrap();
    assert_eq!((file.extension().unwrap().to_str(), std::fs::read(&file).unwrap().as_slice()), (Some("wasm"), WEB));
}

#[tokio::test]
async fn layers_in_front_of_a_component_stay_in_front_of_it() {
    let mut lock = lock();
    let layer = json!({ "source": { "content_type": "application/wasm", "digest": digest(LOGGER) }, "export": null, "inherit": "All" });
    lock["components"][0]["trigger_dependencies"] = json!({ "middleware": [layer] });
    let lock = lock.to_string();
    let layers = [(WASM, WEB), (WASM, LOGGER), (DATA, PAGE), (APPLICATION, lock.as_bytes())];
    let (manifest, _cache) = pulled(Registry::of(&layers)).await.unwrap();
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
    let middleware = &table["trigger"]["http"][0]["dependencies"]["middleware"][0];
    assert_eq!(middleware["inherit_configuration"].as_bool(), Some(true));
    assert!(table["trigger"]["http"][1].get("dependencies").is_none());
}

#[tokio::test]
async fn an_application_with_something_missing_or_unknown_is_refused_and_leaves_nothing() {
    let mut unknown = lock();
    unknown["host_requirements"]["gpu"] = json!("required");
    let mut elsewhere = lock();
    elsewhere["components"][0]["files"][0]["path"] = json!("../../elsewhere");
    for (lock, reason) in [(lock(), "the image has no layer"), (unknown, "`gpu`"), (elsewhere, "no place for a file")] {
        let lock = lock.to_string();
        let layers: [(&str, &[u8]); 3] = [(WASM, WEB), (DATA, PAGE), (APPLICATION, lock.as_bytes())];
        let address = Registry::of(&layers).serve().await;
        let cache = tempfile::tempdir().unwrap();
        let reference = reference(&format!("{address}/test/component:1")).unwrap();
        let refused = pull(&reference, &Access::default(), cache.path()).await.unwrap_err().to_string();
        assert!(refused.contains(reason), "expected `{reason}` in: {refused}");
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
