//! What is composed into a component (a dependency, a layer) uses of its configuration what it inherits, and nothing else.

use crate::support::host::{Host, Start, log};
use crate::support::server::Server;

async fn start(server: &Server) -> Host {
    Start::behaviour("inheritance").variable("port", server.address.port()).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dependency_inherits_nothing_by_itself() {
    let server = Server::start().await;
    let host = start(&server).await;
    assert_eq!(host.get("/nothing/sqlite?default").await.expect(200), "error: Error::AccessDenied");
    let variable = host.get("/nothing/variable?greeting").await.expect(200);
    assert!(variable.starts_with("error: ") && variable.contains("add \\\"variables\\\""), "{variable}");
    assert_eq!(host.get("/nothing/env").await.expect(200), "");
    let fetched = host.get(&format!("/nothing/fetch?{}/", server.url())).await.expect(200);
    assert_eq!(fetched, "error: ErrorCode::HttpRequestDenied");
    assert_eq!(server.connections(), 0);
    let line = "the dependency `wasi:http/handler@0.3.0` of component `nothing` may not use `spin:sqlite/sqlite@3.1.0`: \
                add \"sqlite_databases\" to its `inherit_configuration` in spin.toml";
    assert!(log().contains(line), "the log says what lets it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dependency_inherits_everything_or_what_is_listed() {
    let server = Server::start().await;
    let host = start(&server).await;
    for path in ["/everything", "/some"] {
        assert_eq!(host.get(&format!("{path}/sqlite?default")).await.expect(200), "opened", "{path}");
        assert_eq!(host.get(&format!("{path}/env")).await.expect(200), "COLOUR=blue\n", "{path}");
    }
    assert_eq!(host.get("/everything/variable?greeting").await.expect(200), "hello");
    assert!(host.get("/some/variable?greeting").await.expect(200).starts_with("error: "));
    let fetched = host.get(&format!("/everything/fetch?{}/", server.url())).await.expect(200);
    assert!(fetched.starts_with("200 "), "{fetched}");
    let fetched = host.get(&format!("/some/fetch?{}/", server.url())).await.expect(200);
    assert_eq!(fetched, "error: ErrorCode::HttpRequestDenied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_synchronous_interfaces_deny_as_well() {
    let server = Server::start().await;
    let host = start(&server).await;
    for check in ["variables", "config", "sqlite", "llm"] {
        let wrong = host.get(&format!("/legacy/{check}")).await.expect(500);
        assert!(wrong.contains("inherit_configuration") || wrong.contains("AccessDenied"), "{check}: {wrong}");
    }
    for check in ["spin-v3", "spin-v2", "wasi"] {
        let wrong = host.get(&format!("/stores/{check}")).await.expect(500);
        assert!(wrong.contains("AccessDenied"), "{check}: {wrong}");
    }
    assert_eq!(host.get("/stores/open?default").await.expect(200), "Err(Error::AccessDenied)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_sockets_of_both_generations_are_withheld() {
    let server = Server::start().await;
    let host = start(&server).await;
    let visits = visits(&server);
    for visit in &visits {
        let denied = host.get(&format!("/visitor{visit}")).await.expect(200);
        assert!(denied.starts_with("error: "), "{visit}: {denied}");
        let granted = host.get(&format!("/trusted-visitor{visit}")).await.expect(200);
        assert!(!granted.starts_with("error: "), "{visit}: {granted}");
    }
    assert_eq!(server.connections(), 2, "by the one that may");
}

fn visits(server: &Server) -> [String; 5] {
    let address = server.address;
    [
        "/read?spin.toml".to_owned(),
        "/read-p3?spin.toml".to_owned(),
        format!("/connect?{address}"),
        format!("/connect-p3?{address}"),
        format!("/send?{address}"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_inherits_what_is_listed_and_the_component_behind_it_keeps_its_own() {
    let server = Server::start().await;
    let host = start(&server).await;
    let layer = host.get("/layered/layer").await.expect(200);
    assert!(layer.contains("sqlite: Err(Error::AccessDenied)"), "{layer}");
    assert!(layer.contains("variable: Err(") && layer.contains("middleware 1 of [[trigger.http]]"), "{layer}");
    assert!(layer.contains("environment: 0"), "{layer}");
    assert_eq!(host.get("/layered/sqlite?default").await.expect(200), "opened");
    assert_eq!(host.get("/layered/variable?greeting").await.expect(200), "hello");
    assert_eq!(host.get("/layered/env").await.expect(200), "COLOUR=blue\n");
    let layer = host.get("/trusting/layer").await.expect(200);
    assert!(layer.contains("sqlite: Ok(())") && layer.contains("variable: Ok(\"hello\")"), "{layer}");
    assert!(layer.contains("environment: 0"), "not listed: {layer}");
}

/// Each denied call gives the adapter a request that it has to drop, and texts that it has to make room for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_in_vain_costs_nothing_that_stays() {
    let server = Server::start().await;
    let host = start(&server).await;
    let long = "x".repeat(6000);
    for _ in 0..300 {
        let fetched = host.get(&format!("/nothing/fetch?{}/{long}", server.url())).await.expect(200);
        assert_eq!(fetched, "error: ErrorCode::HttpRequestDenied");
        let opened = host.get(&format!("/nothing/sqlite?{long}")).await.expect(200);
        assert_eq!(opened, "error: Error::AccessDenied");
    }
}
