//! `kobliat up -f registry/application:tag`: what `spin registry push` has put there runs as if it were here.

#[path = "../../../../host/registry/tests/it/server.rs"]
mod server;

use kobliat_e2e::{Command, build_guests, root, skipped};
use server::{Registry, WASM, digest};
use std::sync::Arc;

const HOST: &str = env!("CARGO_BIN_EXE_kobliat-e2e-host");
const APPLICATION: &str = "application/vnd.fermyon.spin.application.v1+config";

/// `me:secret`, as docker keeps it.
const PASSWORD: &str = "bWU6c2VjcmV0";

/// A component with a variable, and a page without one.
fn lock(component: &[u8]) -> String {
    let lock = serde_json::json!({
        "spin_lock_version": 1,
        "must_understand": ["host_requirements"],
        "metadata": { "name": "shop", "version": "1.2.3", "origin": "vnd.fermyon.origin-oci:x" },
        "variables": { "subscribers": {} },
        "triggers": [
            { "id": "relay", "trigger_type": "http", "trigger_config": { "component": "relay", "route": "/relay/..." } },
            { "id": "told", "trigger_type": "http",
              "trigger_config": { "route": "/told", "static_response": { "status_code": 200, "body": "hello" } } },
        ],
        "components": [{
            "id": "relay",
            "metadata": {},
            "source": { "content_type": "application/wasm", "digest": digest(component) },
            "config": { "event_subscribers": "{{ subscribers }}" },
        }],
    });
    lock.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_of_a_registry_with_a_password_serves() {
    if skipped("our own command line") {
        return;
    }
    build_guests();
    let component = std::fs::read(root().join("target/guests/wasm32-wasip2/release/event_relay.wasm")).unwrap();
    let lock = lock(&component);
    let layers = [(WASM, component.as_slice()), (APPLICATION, lock.as_bytes())];
    let registry = Registry { password: Some(PASSWORD), ..Registry::of(&layers) };
    let address = registry.serve().await;
    let reference = format!("{address}/test/component:1");
    let up = || Command::application(HOST, &reference);

    let state = Arc::new(tempfile::tempdir().unwrap());
    let refused = up().run(state.path()).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains(&reference) && refused.stderr.contains("docker login"), "{}", refused.stderr);

    let auths = serde_json::json!({ "auths": { address.to_string(): { "auth": PASSWORD } } });
    std::fs::create_dir(state.path().join(".docker")).unwrap();
    std::fs::write(state.path().join(".docker/config.json"), auths.to_string()).unwrap();
    let missing = up().run(state.path()).await;
    assert!(missing.stderr.contains("subscribers"), "a required variable has no value: {}", missing.stderr);

    let host = up().variables(&[("subscribers", "{}")]).start(&state).await;
    let outside = host.outside();
    assert_eq!(outside.get("/told").await.text(), "hello");
    // Its own way to say that it serves no such path.
    outside.get("/relay/x").await.expect_problem(404, "not_found");
    let info = outside.get("/.well-known/spin/info").await.expect(200);
    assert_eq!((info["name"].as_str(), info["version"].as_str()), (Some("shop"), Some("1.2.3")));
    host.terminate();
    let ended = host.ended().await;
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.stdout.contains("relay: http://") && ended.stdout.contains("/relay (wildcard)"), "{}", ended.stdout);
}
