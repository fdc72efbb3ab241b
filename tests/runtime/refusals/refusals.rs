//! What can not work is refused at start, all of it at once, with the table and what to do.

use crate::support::host::application;

/// The reasons for an application of one component with these tables.
async fn refusal(tables: &str) -> String {
    let head = "spin_manifest_version = 2\napplication = { name = \"refused\" }\n";
    let (start, _folder) = application(&format!("{head}{tables}"));
    start.refusal().await
}

const TRIGGER: &str = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\n";
const COMPONENT: &str = "[component.one]\nsource = \"GUESTS/reporter.wasm\"\n";

#[tokio::test]
async fn what_the_manifest_is_missing() {
    let cases = [
        (format!("[trigger]\n{COMPONENT}"), "nothing would run: add a [[trigger.http]]"),
        (
            format!(
                "[variables]\nsecret = {{ required = true }}\n{TRIGGER}{COMPONENT}[component.one.variables]\nx = \"{{{{ secret }}}}\"\n"
            ),
            "secret",
        ),
        (format!("{TRIGGER}{COMPONENT}sqlite_databases = [\"unknown\"]\n"), "unknown"),
        (
            format!("{TRIGGER}[component.one]\nsource = \"missing.wasm\"\n"),
            "missing.wasm` is missing; run `kobliat build`",
        ),
        (format!("{TRIGGER}{COMPONENT}allowed_outbound_hosts = [\"nowhere\"]\n"), "nowhere"),
    ];
    for (tables, expected) in cases {
        let reason = refusal(&tables).await;
        assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
    }
}

#[tokio::test]
async fn what_this_host_does_not_have() {
    let cases = [
        (
            format!("[[trigger.redis]]\nchannel = \"c\"\naddress = \"redis://x\"\ncomponent = \"one\"\n{COMPONENT}"),
            "[[trigger.redis]]",
        ),
        (format!("{TRIGGER}executor = {{ type = \"wagi\" }}\n{COMPONENT}"), "no `wagi` executor"),
    ];
    for (tables, expected) in cases {
        let reason = refusal(&tables).await;
        assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
    }
}

#[tokio::test]
async fn all_reasons_come_at_once() {
    let redis = "[[trigger.redis]]\nchannel = \"c\"\naddress = \"redis://x\"\ncomponent = \"one\"\n";
    let reason = refusal(&format!("{TRIGGER}executor = {{ type = \"wagi\" }}\n{redis}{COMPONENT}")).await;
    assert_eq!(reason.lines().count(), 2, "{reason}");
}

#[tokio::test]
async fn files_that_are_no_component() {
    let cases: [(&[u8], &str); 4] = [
        (b"not wasm at all", "component `one` is no WebAssembly component"),
        (b"\0asm\x01\0\0\0", "component `one` has an HTTP trigger, but it does not export"),
        (b"\0asm\x01\0\0\0\x07", "failed to make a component of component `one`, which is a core module"),
        (b"", "component `one` is no WebAssembly component"),
    ];
    for (bytes, expected) in cases {
        let text = format!(
            "spin_manifest_version = 2\napplication = {{ name = \"refused\" }}\n{TRIGGER}[component.one]\nsource = \"one.wasm\"\n"
        );
        let (start, folder) = application(&text);
        std::fs::write(folder.path().join("one.wasm"), bytes).unwrap();
        let reason = start.refusal().await;
        assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
    }
}

#[tokio::test]
async fn a_component_without_a_handler_can_not_have_a_route() {
    let reason = refusal(&format!("{TRIGGER}[component.one]\nsource = \"GUESTS/callee.wasm\"\n")).await;
    assert!(
        reason.contains("component `one` has an HTTP trigger, but it does not export `wasi:http/handler@0.3.0`"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_import_that_nobody_answers() {
    let reason = refusal(&format!("{TRIGGER}[component.one]\nsource = \"GUESTS/caller.wasm\"\n")).await;
    assert!(
        reason.contains("component `one` imports `kobliat:link-test/calls@0.1.0`, which this host does not have"),
        "{reason}"
    );
}
