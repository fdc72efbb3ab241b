//! Typed calls: the same answers linked and composed, checked before anything runs.

use crate::support::host::{Host, Start, application};
use crate::support::wit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_the_same_linked_and_composed() {
    for links in [true, false] {
        let host = Start::behaviour("links").links(links).start().await;
        for caller in ["/caller", "/composed"] {
            assert_eq!(host.get(&format!("{caller}/echo?hello")).await.expect(200), "hello");
            assert_eq!(host.get(&format!("{caller}/relay?3")).await.expect(200), "0", "the callee does not pass on");
            assert_eq!(host.get(&format!("{caller}/sleep?5")).await.expect(200), "5");
            assert_eq!(
                host.get(&format!("{caller}/many?200")).await.expect(200),
                "200",
                "at once, each its own answer"
            );
        }
        let linked = host.get("/caller/deadline").await.expect(200).parse::<u32>().unwrap();
        assert_eq!(linked > 0, links, "a link tells the callee what is left, a composition knows nothing of it");
        host.runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callee_is_told_what_is_left_of_the_deadline() {
    let host = Host::start("links").await;
    let limit = host.get("/caller/deadline?0").await.expect(200).parse::<u32>().unwrap();
    assert!((1..=5_000).contains(&limit), "the caller's own request has 5 s: {limit}");
    let given = host.get("/caller/deadline?200").await.expect(200).parse::<u32>().unwrap();
    assert!((1..=200).contains(&given), "{given}");
    let too_long = host.get("/caller/deadline?60000").await.expect(200).parse::<u32>().unwrap();
    assert!((1..=5_000).contains(&too_long), "{too_long}");
}

/// An interface that can be linked; the cases below change one thing.
const GOOD: &str = "
    variant error { unavailable(string), other(string) }
    perform: async func(name: string) -> result<string, error>;";

#[tokio::test]
async fn what_can_be_linked_is_accepted() {
    // The dummies export no handler: that is the one thing left to refuse.
    let reason = refusal(GOOD, GOOD).await;
    assert_eq!(reason.lines().count(), 1, "{reason}");
    assert!(reason.contains("component `caller` has an HTTP trigger, but it does not export"), "{reason}");
}

#[tokio::test]
async fn what_can_not_be_linked_is_refused_with_both_sides_and_the_function() {
    let cases = [
        (GOOD, "missing: async func() -> u32;", "it does not export this function"),
        (GOOD, &GOOD.replace("name: string", "name: u32"), "the importer expects `func(name: string)"),
        (GOOD, &GOOD.replace("name: string", "title: string"), "the exporter has `func(title: string)"),
        (GOOD, &GOOD.replace("other(string)", "other(u32)"), "the importer expects"),
        (&GOOD.replace("async func", "func"), &GOOD.replace("async func", "func"), "links need `async func`"),
        (
            &GOOD.replace("unavailable(string)", "gone"),
            &GOOD.replace("unavailable(string)", "gone"),
            "no error case `unavailable(string)`",
        ),
        (
            &GOOD.replace("result<string, error>", "string"),
            &GOOD.replace("result<string, error>", "string"),
            "no error case `unavailable(string)`",
        ),
        (
            &GOOD.replace("name: string", "name: stream<u8>"),
            &GOOD.replace("name: string", "name: stream<u8>"),
            "parameter `name` is a stream",
        ),
    ];
    for (importer, exporter, expected) in cases {
        let reason = refusal(importer, exporter).await;
        assert!(reason.contains("component `caller` can not be linked to component `callee`"), "{reason}");
        assert!(reason.contains("test:shape/calls@0.1.0#perform: "), "{reason}");
        assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
    }
}

#[tokio::test]
async fn resources_are_refused() {
    let with_resource = format!("resource handle;{}", GOOD.replace("name: string", "name: borrow<handle>"));
    let reason = refusal(&with_resource, &with_resource).await;
    assert!(
        reason.contains("component `caller` can not be linked to component `callee`: test:shape/calls@0.1.0#"),
        "{reason}"
    );
    assert!(reason.contains("resource"), "{reason}");
}

#[tokio::test]
async fn an_interface_that_one_side_does_not_have_is_refused() {
    let other = wit::component("interface other { f: async func(); } world one { export other; }");
    let reason = refusal_of(wit::importer(GOOD), other.clone()).await;
    assert!(reason.contains("component `callee`: it does not export `test:shape/calls@0.1.0`"), "{reason}");
    let reason = refusal_of(other, wit::exporter(GOOD)).await;
    assert!(reason.contains("the component does not import `test:shape/calls@0.1.0`"), "{reason}");
}

async fn refusal(importer: &str, exporter: &str) -> String {
    refusal_of(wit::importer(importer), wit::exporter(exporter)).await
}

async fn refusal_of(importer: Vec<u8>, exporter: Vec<u8>) -> String {
    let (start, folder) = application(
        r#"
        spin_manifest_version = 2
        application = { name = "shapes" }
        [[trigger.http]]
        route = "/..."
        component = "caller"
        [component.caller]
        source = "importer.wasm"
        [component.caller.dependencies]
        "test:shape/calls@0.1.0" = { path = "exporter.wasm" }
        [component.caller.tool.kobliat]
        links = { "test:shape/calls@0.1.0" = "callee" }
        [component.callee]
        source = "exporter.wasm"
        "#,
    );
    std::fs::write(folder.path().join("importer.wasm"), importer).unwrap();
    std::fs::write(folder.path().join("exporter.wasm"), exporter).unwrap();
    start.refusal().await
}
