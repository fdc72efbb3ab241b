//! A component runs as the SDK of its time made it.

use crate::support::host::Start;
use crate::support::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_sdk_5_finds_all_that_it_knows() {
    let server = Server::start().await;
    let host = Start::behaviour("generations").variable("port", server.address.port()).start().await;
    for check in ["variable", "store", "database"] {
        assert_eq!(host.get(&format!("/five/{check}")).await.expect(200), "ok", "{check}");
    }
    let fetched = host.get(&format!("/five/fetch?{}/path", server.url())).await.expect(200);
    assert!(fetched.starts_with("200 GET /path HTTP/1.1"), "{fetched}");
    let denied = host.get("/five/fetch?http://127.0.0.1:1/").await.expect(500);
    assert!(denied.contains("HttpRequestDenied") || denied.contains("HTTP-request-denied"), "{denied}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_sdk_6_speaks_the_draft_and_is_understood() {
    let host = Start::behaviour("generations").variable("port", 1).start().await;
    for path in ["/six/once", "/six/again"] {
        assert_eq!(host.get(path).await.expect(200), format!("hello from {path}"));
    }
}
