//! A start that can not go well is refused with a sentence that says what to do.

use kobliat_e2e::{Ended, Mode, root};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;

#[track_caller]
fn assert_refused(ended: &Ended, sentences: &[&str]) {
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(!ended.stdout.contains("Serving"), "{}", ended.stdout);
    for sentence in sentences {
        assert!(ended.stderr.contains(sentence), "`{sentence}` is missing:\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

/// An application of this manifest, which has no guests beside it.
fn application(manifest: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("spin.toml"), manifest).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_on_the_same_state() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let state = Arc::new(tempfile::tempdir().unwrap());
    let first = crate::up().mode(Mode::Links).start(&state).await;
    let second = crate::up().run(state.path()).await;
    assert_refused(&second, &["another host runs on the state directory", "--state-dir"]);
    first.outside().get("/ready").await.expect(200);
    first.terminate();
    assert!(first.ended().await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let state = tempfile::tempdir().unwrap();
    let refused = crate::up().listen(&address).run(state.path()).await;
    assert_refused(&refused, &[&address, "is in use by another program", "--listen"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let refused = crate::up().listen("nowhere").run(state.path()).await;
    assert_refused(&refused, &["`--listen nowhere` is not an address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_that_were_not_built() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let manifest = fs::read_to_string(root().join("spin.toml")).unwrap();
    let application = application(&manifest);
    let state = tempfile::tempdir().unwrap();
    let refused = crate::up().manifest(application.path().join("spin.toml")).run(state.path()).await;
    // All of them, each with its file and what to do.
    assert_refused(
        &refused,
        &["customer.wasm", "messaging.wasm", "conversation.wasm", "api_gateway.wasm", "inbound_gateway.wasm", "build"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_manifest() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let refused = crate::up().manifest(state.path().join("spin.toml")).run(state.path()).await;
    assert_refused(&refused, &["spin.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_manifest_all_at_once_with_their_places() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let application = application(
        "spin_manifest_version = 2\naplication = {}\n[application]\nname = \"bad\"\n[[trigger.http]]\nroute = \"/...\"\n\
         component = \"web\"\n[component.web]\nsorce = \"web.wasm\"\n",
    );
    let state = tempfile::tempdir().unwrap();
    let refused = crate::up().manifest(application.path().join("spin.toml")).run(state.path()).await;
    assert_refused(
        &refused,
        &[
            "spin.toml:2:1: `aplication` is not a key of a Spin manifest; did you mean `application`?",
            "spin.toml:9:1: `sorce` is not a key of [component.web]; did you mean `source`?",
            "`source` is missing",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_has_no_value() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let manifest = fs::read_to_string(root().join("spin.toml")).unwrap();
    let manifest = manifest.replace("generate_secrets = [\"bootstrap_api_key\", ", "generate_secrets = [");
    let target = "target/guests/wasm32-wasip2/release";
    let application = application(&manifest.replace(target, root().join(target).to_str().unwrap()));
    let state = tempfile::tempdir().unwrap();
    let command = crate::up().manifest(application.path().join("spin.toml")).without_variables();
    assert_refused(&command.run(state.path()).await, &["bootstrap_api_key"]);
}

/// Each component's health is asked at start, and all that is wrong is told at once, with the variable's name.
#[tokio::test(flavor = "multi_thread")]
async fn variables_that_make_no_sense() {
    if kobliat_e2e::skipped("our command's sentences") {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let wrong = [("media_storage", "s3"), ("outbound_timeout_ms", "soon"), ("log_retention_days", "a month")];
    let refused = crate::up().variables(&wrong).run(state.path()).await;
    assert_refused(
        &refused,
        &[
            "component `media` is not healthy",
            "variable `s3_endpoint` has no value",
            "component `outbound-gateway` is not healthy",
            "outbound_timeout_ms",
            "component `api-gateway` is not healthy",
            "log_retention_days",
        ],
    );
}
