//! A manifest that changes while its application runs: taken over whole, or refused whole.

use super::support::{get, post, version};
use crate::support::guests;
use crate::support::host::{Host, Start, application, eventually};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

const HEAD: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "changing"
    [variables]
    greeting = { default = "hello" }
    [[trigger.http]]
    route = "/one/..."
    component = "one"
    [component.one]
    source = "GUESTS/reporter.wasm"
    [component.one.variables]
    said = "{{ greeting }}, one"
"#;

const TWO: &str = r#"
    [[trigger.http]]
    route = "/two/..."
    component = "two"
    [component.two]
    source = "GUESTS/versioned.wasm"
    [component.two.tool.kobliat.limits]
    memory = "32MiB"
"#;

/// Calls `two` by a link, which gives `two` callers that it did not have.
const CALLER: &str = r#"
    [[trigger.http]]
    route = "/caller/..."
    component = "caller"
    [component.caller]
    source = "GUESTS/caller.wasm"
    [component.caller.tool.kobliat]
    links = { "kobliat:link-test/calls@0.1.0" = "two" }
    [component.caller.dependencies]
    "kobliat:link-test/calls@0.1.0" = { path = "GUESTS/versioned.wasm" }
"#;

pub fn write(folder: &Path, manifest: &str) {
    let guests = guests::folder().to_str().unwrap();
    std::fs::write(folder.join("spin.toml"), manifest.replace("GUESTS", guests)).unwrap();
}

async fn start(manifest: &str) -> (Host, TempDir) {
    let (start, folder) = application(manifest);
    (start.start().await, folder)
}

async fn apply(host: &Host, folder: &TempDir, manifest: &str) -> Result<Value, String> {
    write(folder.path(), manifest);
    post(host, "/application/apply", Vec::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_come_and_go_while_requests_run() {
    let (host, folder) = start(HEAD).await;
    assert_eq!(host.get("/two/").await.status, 404);
    let answer = apply(&host, &folder, &format!("{HEAD}{TWO}{CALLER}")).await.unwrap();
    assert_eq!(answer["added"], serde_json::json!(["caller", "two"]));
    assert_eq!(answer["changed"], serde_json::json!([]));
    assert_eq!(host.get("/two/").await.expect(200), "0001");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
    post(&host, "/components/two/swap", version(2, "good")).await.unwrap();
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0002");

    let running = host.started("/two/?400", 1).await;
    let answer = apply(&host, &folder, HEAD).await.unwrap();
    assert_eq!(answer["removed"], serde_json::json!(["caller", "two"]));
    assert_eq!(host.get("/two/").await.status, 404);
    assert_eq!(running.await.unwrap().expect(200), "0002", "what runs finishes");
    let ids: Vec<_> = get(&host, "/components").await["components"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_gets_its_first_caller_serves_both_ways() {
    let manifest = format!("{HEAD}{TWO}");
    let (host, folder) = start(&manifest).await;
    assert_eq!(host.get("/two/").await.expect(200), "0001");
    let answer = apply(&host, &folder, &format!("{manifest}{CALLER}")).await.unwrap();
    assert_eq!(answer["changed"][0]["what"], serde_json::json!(["callers"]));
    assert_eq!(host.get("/two/").await.expect(200), "0001");
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
    // Without its route, it is still there for its caller.
    let without = manifest.replace("route = \"/two/...\"", "route = { private = true }");
    apply(&host, &folder, &format!("{without}{CALLER}")).await.unwrap();
    assert_eq!(host.get("/two/").await.status, 404);
    assert_eq!(host.get("/caller/echo?a").await.expect(200), "0001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_and_limits_hold_from_the_next_request_on() {
    let manifest = format!("{HEAD}{TWO}");
    let (host, folder) = start(&manifest).await;
    assert_eq!(host.get("/one/variable?said").await.expect(200), "hello, one");
    let changed = manifest.replace("{{ greeting }}, one", "{{ greeting }}, all");
    let changed = changed.replace("memory = \"32MiB\"", "memory = \"32MiB\"\ntimeout = \"200ms\"");
    let answer = apply(&host, &folder, &changed).await.unwrap();
    let what = |id: &str| {
        let changed = answer["changed"].as_array().unwrap();
        changed.iter().find(|one| one["id"] == id).map(|one| one["what"].clone())
    };
    assert_eq!(what("one"), Some(serde_json::json!(["variables"])));
    assert_eq!(what("two"), Some(serde_json::json!(["limits"])));
    assert_eq!(host.get("/one/variable?said").await.expect(200), "hello, all");
    host.get("/two/?5000").await.expect(504);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_changed_keeps_its_instances_and_its_version() {
    let (host, folder) = start(HEAD).await;
    host.get("/one/env").await.expect(200);
    apply(&host, &folder, &format!("{HEAD}{TWO}")).await.unwrap();
    let one = get(&host, "/components/one").await;
    assert_eq!((&one["version"], &one["instances"]), (&1.into(), &1.into()));
    let answer = apply(&host, &folder, &format!("{HEAD}{TWO}# a word\n")).await.unwrap();
    assert_eq!(answer["outcome"], "unchanged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_with_a_mistake_changes_nothing_at_all() {
    let manifest = format!("{HEAD}{TWO}");
    let (host, folder) = start(&manifest).await;
    let good = manifest.replace("{{ greeting }}, one", "never seen");
    let mistakes = [
        ("[component.three]\nsource = 3\n", "source"),
        (
            "[[trigger.http]]\nroute = \"/three\"\ncomponent = \"three\"\n[component.three]\nsource = \"none.wasm\"\n",
            "not built",
        ),
        (
            "[[trigger.http]]\nroute = \"/three\"\ncomponent = \"three\"\n[component.three]\nsource = \"GUESTS/hello.wasm\"\nsqlite_databases = [\"unheard\"]\n",
            "unheard",
        ),
        (
            "[component.three]\nsource = \"GUESTS/hello.wasm\"\n[[trigger.redis]]\naddress = \"redis://x\"\nchannel = \"c\"\ncomponent = \"three\"\n",
            "Redis",
        ),
    ];
    for (mistake, reason) in mistakes {
        let refusal = apply(&host, &folder, &format!("{good}{mistake}")).await.unwrap_err();
        assert!(refusal.contains(reason), "{refusal}");
        assert_eq!(host.get("/one/variable?said").await.expect(200), "hello, one");
        assert_eq!(host.get("/two/").await.expect(200), "0001");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_a_restart_is_named() {
    let (host, folder) = start(HEAD).await;
    let config = folder.path().join("runtime-config.toml");
    let too_large = format!("{HEAD}{}", TWO.replace("32MiB", "2GiB"));
    assert!(
        apply(&host, &folder, &too_large)
            .await
            .unwrap_err()
            .contains("restart of the host, and nothing was changed: a `memory` limit of 2048 MiB")
    );
    let subscribes = "[component.one.tool.kobliat]\nsubscribe = [\"com.kobliat.message.*\"]\n";
    let private = HEAD.replace("\"/one/...\"", "{ private = true }");
    assert!(
        apply(&host, &folder, &format!("{private}{subscribes}"))
            .await
            .unwrap_err()
            .contains("`subscribe` in [component.one")
    );
    std::fs::write(&config, "[outbound_http]\nconnection_pooling = false\n").unwrap();
    assert!(apply(&host, &folder, HEAD).await.unwrap_err().contains("[outbound_http] of the runtime config"));
    std::fs::write(&config, "[sqlite_database.new]\ntype = \"spin\"\n").unwrap();
    let granted = HEAD.replace("source =", "sqlite_databases = [\"new\"]\n    source =");
    apply(&host, &folder, &granted).await.unwrap();
    assert_eq!(host.get("/one/sqlite?new").await.expect(200), "opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_version_stays_when_its_manifest_changes() {
    let manifest = format!("{HEAD}{TWO}");
    let (host, folder) = start(&manifest).await;
    post(&host, "/components/two/swap", version(2, "good")).await.unwrap();
    apply(&host, &folder, &manifest.replace("32MiB", "33MiB")).await.unwrap();
    assert_eq!(host.get("/two/").await.expect(200), "0002");
    post(&host, "/components/two/rollback", Vec::new()).await.unwrap();
    assert_eq!(host.get("/two/").await.expect(200), "0001");
    eventually("old instances are gone", || host.runtime.lifecycle().slot("two").unwrap().retiring.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_follow_the_manifest() {
    let tick = "[component.one.tool.kobliat]\ntick = \"100ms\"\n";
    let private = HEAD.replace("\"/one/...\"", "\"/one/variable\"");
    let (start, folder) = application(&private);
    let host = Start::start(start).await;
    let ticked = || host.stdout_of("one").lines().filter(|line| *line == "tick").count();
    assert_eq!(ticked(), 0);
    apply(&host, &folder, &format!("{private}{tick}")).await.unwrap();
    eventually("it ticks", || ticked() > 1).await;
}
