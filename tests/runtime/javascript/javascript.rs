//! A component in another language, with another SDK: a whole JavaScript engine starts for each request.

use serde_json::{Value, json};

use crate::support::host::{Host, Start, log};
use crate::support::javascript;
use crate::support::server::Server;

/// The application, or nothing where its guest can not be built.
async fn start(port: u16) -> Option<Host> {
    javascript::folder()?;
    Some(Start::behaviour("javascript").variable("port", port).start().await)
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_serves_headers_and_bodies() {
    let Some(host) = start(1).await else { return };
    for _ in 0..3 {
        assert_eq!(host.get("/js/hello").await.expect(200), "hello from JavaScript");
    }
    let seen = host.post_as("/js/headers", &[("x-mine", "1")], "").await.expect(200);
    assert_eq!(json_of(&seen), json!({ "path": "/headers", "mine": "1" }));
    let answer = host.post("/js/json", r#"{"a":[1,2]}"#).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(json_of(&answer.expect(201)), json!({ "method": "POST", "got": { "a": [1, 2] } }));
    host.get("/js/missing").await.expect(404);
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_streams_both_ways() {
    let Some(host) = start(1).await else { return };
    let sent = "0123456789".repeat(200_000);
    assert_eq!(host.post("/js/echo", sent.clone()).await.expect(200), sent);
    let drops: String = (1..=20).map(|chunk| format!("chunk {chunk}\n")).collect();
    assert_eq!(host.get("/js/drip?chunks=20").await.expect(200), drops);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_asks_the_world_and_is_told_what_it_may_not() {
    let server = Server::start().await;
    let Some(host) = start(server.address.port()).await else { return };
    let seen = host.get(&format!("/js/fetch?url={}/path", server.url())).await.expect(200);
    assert!(seen.starts_with("200 GET /path HTTP/1.1") && seen.contains("x-mine: 1"), "{seen}");
    for url in ["http://js.spin.internal/js/echo", "http://self.alt/js/echo"] {
        assert_eq!(host.get(&format!("/js/send?url={url}")).await.expect(200), "200 from JavaScript", "{url}");
    }
    // Its body is under way when it is refused; the refusal is what it has to hear of.
    for path in ["fetch", "send"] {
        let denied = host.get(&format!("/js/{path}?url=http://elsewhere.invalid/")).await.expect(502);
        assert!(denied.contains("NetworkError"), "{path}: {denied}");
    }
    assert!(log().contains("component `js` may not reach `http://elsewhere.invalid`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_has_what_the_manifest_grants() {
    let Some(host) = start(1).await else { return };
    let store = host.get("/js/store").await.expect(200);
    assert_eq!(json_of(&store), json!({ "value": "hello", "keys": ["greeting"], "after": false }));
    assert_eq!(host.get("/js/variable?name=greeting").await.expect(200), "hello");
    assert_eq!(host.get("/js/forbidden").await.expect(200), "no-such-store");
    host.get("/js/say").await.expect(200);
    let state = host.stop().await;
    let output = |stream| std::fs::read_to_string(state.path().join(format!("logs/js_{stream}.txt"))).unwrap();
    assert_eq!(output("stdout"), "said\n");
    assert!(output("stderr").contains("complained"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_that_misbehaves_costs_one_request() {
    if javascript::folder().is_none() {
        return;
    }
    let host = Start::behaviour("javascript").variable("port", 1).alone().start().await;
    for path in ["/js/throw", "/js/loop", "/js/hoard"] {
        host.get(path).await.expect(500);
        assert_eq!(host.get("/js/hello").await.expect(200), "hello from JavaScript");
    }
    host.runs(0).await;
}
