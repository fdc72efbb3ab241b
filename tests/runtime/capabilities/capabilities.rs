//! What a component may touch is what its manifest lists; what it may not, it and its developer are told.

use crate::support::host::{Host, Start, eventually, log};
use crate::support::server::Server;

async fn start(server: &Server) -> Host {
    Start::behaviour("capabilities").variable("port", server.address.port()).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_listed_is_granted() {
    let server = Server::start().await;
    let host = start(&server).await;
    assert_eq!(host.get("/trusted/sqlite?default").await.expect(200), "opened");
    assert_eq!(host.get("/trusted/variable?greeting").await.expect(200), "hello, world");
    assert_eq!(host.get("/trusted/env").await.expect(200), "COLOUR=blue\n");
    let answer = host.get(&format!("/trusted/fetch?{}/path?q", server.url())).await.expect(200);
    assert!(answer.starts_with("200 GET /path?q HTTP/1.1"), "{answer}");
    let answer = host.get("/trusted/fetch?http://private.spin.internal/x").await.expect(200);
    assert!(answer.starts_with("200 GET http://private.spin.internal/x"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_listed_is_denied() {
    let server = Server::start().await;
    let host = start(&server).await;
    assert_eq!(host.get("/untrusted/sqlite?default").await.expect(200), "error: Error::AccessDenied");
    let answer = host.get("/untrusted/variable?greeting").await.expect(200);
    assert!(answer.starts_with("error: "), "{answer}");
    assert_eq!(host.get("/untrusted/env").await.expect(200), "", "nothing of the host's environment either");
    for url in
        [&server.url(), "http://private.spin.internal/", "http://untrusted.spin.internal/", "https://example.com/"]
    {
        let answer = host.get(&format!("/untrusted/fetch?{url}")).await.expect(200);
        assert_eq!(answer, "error: ErrorCode::HttpRequestDenied", "{url}");
    }
    assert_eq!(server.connections(), 0, "denied before it was asked");
    let line = format!("add \"{}\" to allowed_outbound_hosts of [component.untrusted] in spin.toml", server.url());
    assert!(log().contains(&line), "the log says which line is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wildcard_leads_to_the_internet_only() {
    let server = Server::start().await;
    let host = start(&server).await;
    let port = server.address.port();
    for address in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "2130706433", "127.1"]
    {
        let answer = host.get(&format!("/starred/fetch?http://{address}:{port}/")).await.expect(200);
        assert!(answer.starts_with("error: "), "{address}: {answer}");
    }
    assert_eq!(server.connections(), 0);
    let answer = host.get(&format!("/starred/fetch?http://127.0.0.1:{port}/")).await.expect(200);
    assert_eq!(answer, "error: ErrorCode::DestinationIpProhibited");
    for component in ["private", "trusted", "nobody"] {
        let answer = host.get(&format!("/starred/fetch?http://{component}.spin.internal/")).await.expect(200);
        assert_eq!(answer, "error: ErrorCode::HttpRequestDenied", "{component}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platforms_headers_do_not_leave_it() {
    let server = Server::start().await;
    let host = start(&server).await;
    let outside = host.get(&format!("/trusted/fetch?{}/", server.url())).await.expect(200);
    assert!(outside.contains("x-mine: 1") && !outside.contains("kobliat-"), "{outside}");
    let inside = host.get("/trusted/fetch?http://private.spin.internal/").await.expect(200);
    assert!(inside.contains("x-mine: 1") && inside.contains("kobliat-tenant: acme"), "{inside}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_an_error() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let host = Start::behaviour("capabilities").variable("port", port).start().await;
    let answer = host.get(&format!("/trusted/fetch?http://127.0.0.1:{port}/")).await.expect(200);
    assert_eq!(answer, "error: ErrorCode::ConnectionRefused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_goes_to_the_components_own_log() {
    let server = Server::start().await;
    let host = start(&server).await;
    host.get("/trusted/say?first").await.expect(200);
    host.get("/untrusted/say?second").await.expect(200);
    eventually("both have written", || {
        host.stdout_of("trusted") == "first\n" && host.stdout_of("untrusted") == "second\n"
    })
    .await;
    eventually("to stderr too", || host.output("trusted_stderr.txt") == "first, to stderr\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_last_is_in_the_log_when_the_host_has_ended() {
    let server = Server::start().await;
    let host = start(&server).await;
    for line in 0..50 {
        host.get(&format!("/trusted/say?{line}")).await.expect(200);
    }
    let state = host.stop().await;
    let log = std::fs::read_to_string(state.path().join("logs/trusted_stdout.txt")).unwrap();
    assert_eq!(log.lines().last(), Some("49"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_asks_its_own_application_by_the_public_routes() {
    let server = Server::start().await;
    let host = start(&server).await;
    let answer = host.get("/trusted/fetch?http://self.alt/untrusted/x?q").await.expect(200);
    assert!(answer.starts_with("200 GET http://self.alt/untrusted/x?q"), "{answer}");
    assert!(answer.contains("spin-path-info: /x") && answer.contains("spin-matched-route: /untrusted/..."), "{answer}");
    assert!(!answer.contains("kobliat-"), "a public route is public: {answer}");
    assert!(host.get("/trusted/fetch?http://self.alt/nowhere").await.expect(200).starts_with("404"));
    let denied = host.get("/untrusted/fetch?http://self.alt/trusted/x").await.expect(200);
    assert_eq!(denied, "error: ErrorCode::HttpRequestDenied");
    let endless = "/trusted/fetch?http://self.alt/trusted/fetch?http://self.alt/untrusted/x";
    assert!(host.get(endless).await.expect(200).starts_with("200 200 GET"), "a request within a request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_blocks_no_entry_opens() {
    let server = Server::start().await;
    let config = tempfile::tempdir().unwrap();
    let file = config.path().join("runtime-config.toml");
    std::fs::write(&file, "[outbound_networking]\nblock_networks = [\"127.0.0.0/8\"]\n").unwrap();
    let start = Start::behaviour("capabilities").variable("port", server.address.port());
    let host = start.options(|options| options.runtime_config = Some(file)).start().await;
    let answer = host.get(&format!("/trusted/fetch?{}/", server.url())).await.expect(200);
    assert_eq!(answer, "error: ErrorCode::DestinationIpProhibited");
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_lines_environment_and_choice_of_components() {
    let server = Server::start().await;
    let start = Start::behaviour("capabilities").variable("port", server.address.port()).options(|options| {
        options.guest_environment = vec![("COLOUR".to_owned(), "red".to_owned())];
        options.components = vec!["trusted".to_owned()];
    });
    let host = start.start().await;
    assert_eq!(host.get("/trusted/env").await.expect(200), "COLOUR=red\n");
    host.get("/untrusted/env").await.expect(404);
}
