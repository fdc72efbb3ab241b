//! Whatever generation a component is of, and whatever stands in front of it, it is served by what it exports.

use crate::support::guests;
use crate::support::host::{Host, Start, application};
use crate::support::wit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wasi_02_gets_a_fresh_instance_for_each_request() {
    let host = Host::start("handlers").await;
    for _ in 0..3 {
        assert_eq!(host.get("/old/served").await.expect(200), "1");
    }
    host.get("/old/missing").await.expect(404);
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wasi_02_bodies_are_larger_than_any_buffer() {
    let host = Host::start("handlers").await;
    let sent = "0123456789".repeat(100_000);
    assert_eq!(host.post("/old/echo", sent.clone()).await.expect(200), sent);
    assert_eq!(host.get("/old/flood?3000000").await.expect(200).len(), 3_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wasi_02_guests_harm_themselves_only() {
    let host = Start::behaviour("handlers").alone().start().await;
    for path in ["/old/trap", "/old/silent", "/old/loop"] {
        host.get(path).await.expect(500);
        assert_eq!(host.get("/new/ok").await.expect(200), "ok");
    }
    assert_eq!(host.get("/old/served").await.expect(200), "1");
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wasi_02_reaches_other_components_and_no_more_than_it_may() {
    let host = Host::start("handlers").await;
    assert_eq!(host.get("/old/ask?new.spin.internal").await.expect(200), "ok");
    assert!(host.get("/old/ask?elsewhere.invalid").await.expect(502).contains("HttpRequestDenied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_module_is_made_a_component() {
    let (start, folder) = application(
        "spin_manifest_version = 2\napplication = { name = \"module\" }\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"module\"\n[component.module]\nsource = \"module.wasm\"\n",
    );
    let module = wit::core_module(include_str!("module.wat"), include_str!("module.wit"));
    std::fs::write(folder.path().join("module.wasm"), module).unwrap();
    let host = start.start().await;
    for _ in 0..2 {
        host.get("/").await.expect(218);
    }
}

const LAYERED: &str = r#"
spin_manifest_version = 2
application = { name = "layered" }
[[trigger.http]]
id = "bare"
route = "/bare/..."
component = "one"
[[trigger.http]]
id = "layered"
route = "/layered/..."
component = "one"
dependencies = { middleware = [{ path = "layer-1.wasm" }, { path = "layer-2.wasm" }] }
[[trigger.http]]
id = "behind"
route = "/behind/..."
component = "two"
dependencies = { middleware = [{ component = "layer" }] }
[component.one]
source = "GUESTS/misbehave.wasm"
[component.two]
source = "GUESTS/misbehave.wasm"
[component.layer]
source = "GUESTS/middleware.wasm"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn middleware_stands_in_front_outermost_first_and_of_its_trigger_only() {
    let (start, folder) = application(LAYERED);
    for number in ["1", "2"] {
        std::fs::write(folder.path().join(format!("layer-{number}.wasm")), layer_named(number)).unwrap();
    }
    let host = start.start().await;
    let layers = async |path: &str| -> Vec<String> {
        let answer = host.get(path).await;
        let layers = answer.headers.get_all("x-layer").iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        assert_eq!(answer.expect(200), "ok");
        layers
    };
    assert!(layers("/bare/ok").await.is_empty());
    assert_eq!(layers("/layered/ok").await, ["layer-2", "layer-1"], "the innermost sees the answer first");
    assert_eq!(layers("/behind/ok").await, ["layer-0"]);
}

/// The middleware guest with another name in it.
fn layer_named(number: &str) -> Vec<u8> {
    let mut wasm = std::fs::read(guests::folder().join("middleware.wasm")).unwrap();
    let name = b"layer-0";
    let at = wasm.windows(name.len()).position(|window| window == name).unwrap();
    wasm[at + name.len() - 1] = number.as_bytes()[0];
    wasm
}

#[tokio::test]
async fn what_can_not_be_middleware_is_refused() {
    let cases = [
        ("wasi_02", "misbehave", "does not import and export `wasi:http/handler@0.3.0`"),
        ("middleware", "wasi_02", "component `one` behind it does not export `wasi:http/handler@0.3.0`"),
    ];
    for (layer, behind, expected) in cases {
        let (start, _folder) = application(&format!(
            "spin_manifest_version = 2\napplication = {{ name = \"refused\" }}\n\
             [[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\n\
             dependencies = {{ middleware = [{{ path = \"GUESTS/{layer}.wasm\" }}] }}\n\
             [component.one]\nsource = \"GUESTS/{behind}.wasm\"\n"
        ));
        let reason = start.refusal().await;
        assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
    }
}
