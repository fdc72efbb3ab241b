//! Key-value stores: what each interface promises, who may open which label, and what is there after a restart.

use crate::support::host::{Host, Start, application, log};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_interface_keeps_its_promises() {
    let host = Host::start("key-value").await;
    for interface in ["spin-v3", "spin-v2", "wasi"] {
        assert_eq!(host.get(&format!("/{interface}")).await.expect(200), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_is_opened_by_those_who_list_it() {
    let host = Host::start("key-value").await;
    assert_eq!(host.get("/open?default").await.expect(200), "Ok(())");
    assert_eq!(host.get("/other/open?others").await.expect(200), "Ok(())");
    assert_eq!(host.get("/other/open?default").await.expect(200), "Err(Error::AccessDenied)");
    assert_eq!(host.get("/other/open?unheard-of").await.expect(200), "Err(Error::NoSuchStore)");
    let line = "add \"default\" to key_value_stores of [component.other] in spin.toml";
    assert!(log().contains(line), "the log says which line is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presets_are_in_the_default_store_and_what_was_set_survives() {
    let host = Start::behaviour("key-value").key_value("greeting", "hello").start().await;
    assert_eq!(host.get("/get?greeting").await.expect(200), "hello");
    assert_eq!(host.get("/set?mine=1").await.expect(200), "ok");
    let host = host.restart(Start::behaviour("key-value").key_value("greeting", "hi")).await;
    assert_eq!(host.get("/get?mine").await.expect(200), "1");
    assert_eq!(host.get("/get?greeting").await.expect(200), "hi");
}

#[tokio::test]
async fn a_label_without_a_store_is_refused_at_start() {
    let (start, _folder) = application(
        "spin_manifest_version = 2\napplication = { name = \"kv\" }\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\n\
         [component.one]\nsource = \"GUESTS/key_value.wasm\"\nkey_value_stores = [\"default\", \"sessions\"]\n",
    );
    let reason = start.refusal().await;
    assert!(
        reason.contains("[component.one] lists the key-value store `sessions`")
            && reason.contains("add [key_value_store.sessions]"),
        "{reason}"
    );
    assert_eq!(reason.lines().count(), 1, "`default` needs no entry: {reason}");
}
