//! Which component answers, what it is told, and what a hostile client can not make of a request.

use http::Method;

use crate::support::client::Answer;
use crate::support::host::{Host, Start};

/// The value of a header in what the reporter saw; asserts that there is one at most.
fn seen<'r>(report: &'r str, name: &str) -> Option<&'r str> {
    let mut values = report.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = values.next();
    assert_eq!(values.next(), None, "`{name}` twice in {report}");
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_closest_route_answers_and_tells_how_it_was_reached() {
    let host = Host::start("routing").await;
    let cases = [
        ("/api/users/me", "/api/users/me", "/api/users/me", "", None),
        ("/api/users/7", "/api/users/:id", "/api/users/:id", "", Some("7")),
        ("/api/users/7/photos/1/", "/api/users/:id/photos/...", "/api/users/:id/photos", "/1/", Some("7")),
        ("/api/users/7/notes", "/api/...", "/api", "/users/7/notes", None),
        ("/api", "/api/...", "/api", "", None),
        ("/api/", "/api/...", "/api", "/", None),
    ];
    for (path, route, stem, rest, id) in cases {
        let report = host.get(&format!("{path}?q=1&r=%20")).await.expect(200);
        assert_eq!(seen(&report, "spin-matched-route"), Some(route), "{path}");
        assert_eq!(seen(&report, "spin-raw-component-route"), Some(route), "{path}");
        assert_eq!(seen(&report, "spin-component-route"), Some(stem), "{path}");
        assert_eq!(seen(&report, "spin-path-info"), Some(rest), "{path}");
        assert_eq!(seen(&report, "spin-path-match-id"), id, "{path}");
        assert_eq!(seen(&report, "spin-base-path"), Some("/"));
        let url = format!("http://{}{path}?q=1&r=%20", host.runtime.address());
        assert_eq!(seen(&report, "spin-full-url"), Some(url.as_str()));
        assert!(seen(&report, "spin-client-addr").unwrap().starts_with("127.0.0.1:"), "{report}");
    }
    for path in ["/", "/nowhere", "/private", "/apis", "/robots.txt/more"] {
        let problem: serde_json::Value = serde_json::from_str(&host.get(path).await.expect(404)).unwrap();
        assert_eq!((&problem["code"], &problem["instance"]), (&"not_found".into(), &path.into()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platforms_own_headers_can_not_be_forged() {
    let host = Host::start("routing").await;
    let forged = [
        ("Spin-Client-Addr", "1.2.3.4:5"),
        ("spin-path-match-admin", "1"),
        ("spin-anything", "1"),
        ("Kobliat-Tenant", "victim"),
        ("kobliat-scopes", "*"),
        ("kobliat-caller", "victim"),
        ("x-mine", "kept"),
    ];
    let report = host.request(Method::GET, "/api/x", &forged).await.expect(200);
    assert!(seen(&report, "spin-client-addr").unwrap().starts_with("127.0.0.1:"), "{report}");
    assert_eq!(seen(&report, "x-mine"), Some("kept"));
    for name in
        ["spin-path-match-admin", "spin-anything", "kobliat-tenant", "kobliat-scopes", "kobliat-caller", "connection"]
    {
        assert_eq!(seen(&report, name), None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_components_are_reached_from_inside_only() {
    let host = Host::start("routing").await;
    let answer = host.request(Method::GET, "/whoami", &[("host", "private.spin.internal")]).await;
    answer.expect(404);
    let report = host.get("/api/fetch?http://private.spin.internal/some/where").await.expect(200);
    assert!(report.starts_with("200 GET http://private.spin.internal/some/where"), "{report}");
    assert_eq!(seen(&report, "spin-matched-route"), Some("/..."));
    assert_eq!(seen(&report, "spin-path-info"), Some("/some/where"));
    assert_eq!(seen(&report, "spin-client-addr"), Some("0.0.0.0:0"));
    assert_eq!(seen(&report, "kobliat-tenant"), Some("acme"), "between components they are the gateway's findings");
    assert_eq!(seen(&report, "kobliat-caller"), Some("wildcard"), "the host says who asks, whatever the caller says");
    assert_eq!(report.matches("kobliat-caller").count(), 1, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_host_answers_itself() {
    let host = Host::start("routing").await;
    assert_eq!(host.get("/.well-known/spin/health").await.expect(200), "OK");
    let info = host.get("/.well-known/spin/info").await;
    assert_eq!(info.header("content-type"), Some("application/json"));
    assert_eq!(info.expect(200), r#"{"name":"routing","version":"1.2.3"}"#);
    host.get("/.well-known/spin/else").await.expect(404);
    let robots = host.get("/robots.txt").await;
    assert_eq!((robots.header("content-type"), robots.header("x-robot")), (Some("text/plain"), Some("no")));
    assert_eq!(robots.expect(418), "go away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_host_have_the_members_of_the_api() {
    let host = Host::start("routing").await;
    let answer = host.request(Method::GET, "/nowhere?token=secret", &[("x-request-id", "mine-1")]).await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    let problem: serde_json::Value = serde_json::from_str(&answer.expect(404)).unwrap();
    let expected = serde_json::json!({
        "type": "urn:kobliat:problem:not_found", "title": "Not Found", "status": 404, "code": "not_found",
        "detail": "no component has a route for this path", "instance": "/nowhere", "request_id": "mine-1",
    });
    assert_eq!(problem, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_of_load_balancers_are_answered() {
    let host = Host::start("routing").await;
    let answer = host.raw("GET /api/x HTTP/1.0\r\n\r\n").await;
    let url = format!("spin-full-url: http://{}/api/x", host.runtime.address());
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains(&url), "{answer}");
    let answer = host.raw("OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_request_gets_no_body() {
    let host = Host::start("routing").await;
    let answer: Answer = host.request(Method::HEAD, "/api/x", &[]).await;
    assert_eq!(answer.expect(200), "");
    let raw = host.raw("HEAD /robots.txt HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(raw.starts_with("HTTP/1.1 418") && raw.ends_with("\r\n\r\n"), "{raw}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_carries_many_requests_in_order() {
    let host = Host::start("routing").await;
    let mut connection = host.connect().await;
    for path in ["/api/a", "/api/b"] {
        connection.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert!(connection.read_until("0\r\n\r\n").await.contains(path));
    }
    connection
        .write("GET /misbehave/sleep?100 HTTP/1.1\r\nhost: x\r\n\r\nGET /robots.txt HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let answers = connection.read_until("go away").await;
    let (first, second) = (answers.find("slept").unwrap(), answers.find("418").unwrap());
    assert!(first < second, "{answers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ambiguous_host_is_refused() {
    let host = Host::start("routing").await;
    for request in [
        "GET http://a/api/x HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nhost: a\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nconnection: close\r\n\r\n",
    ] {
        let answer = host.raw(request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{request}: {answer}");
    }
    let answer = host.raw("GET http://a/api/x HTTP/1.1\r\nhost: A\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_can_be_smuggled_in_another() {
    let host = Host::start("routing").await;
    let hidden = "GET /api/hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = hidden.len() + 5;
    for head in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
        "content-length: 5\r\ncontent-length: 6".to_owned(),
        "transfer-encoding: identity, chunked\r\ntransfer-encoding: gzip".to_owned(),
        "content-length: +5".to_owned(),
        format!("content-length : {length}"),
    ] {
        // Read by the length all of it is the first request's body, read by its chunks the hidden one follows.
        let request = format!("POST /misbehave/ignore-body HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n0\r\n\r\n{hidden}");
        let mut connection = host.connect().await;
        connection.write(&request).await;
        connection.finish().await;
        let answers = connection.rest().await;
        let count = answers.matches("HTTP/1.1 ").count();
        let refused = answers.starts_with("HTTP/1.1 400");
        assert!(refused && count == 1 || !answers.contains("/api/hidden"), "{head}: {answers}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_ends_the_connection_and_harms_nobody() {
    let host = Host::start("routing").await;
    let big = "x".repeat(40 << 10);
    let many = "a: b\r\n".repeat(1000);
    for (request, status) in [
        (format!("GET /api/x HTTP/1.1\r\nhost: x\r\nx-big: {big}\r\n\r\n"), "431"),
        (format!("GET /{big} HTTP/1.1\r\nhost: x\r\n\r\n"), "4"),
        (format!("GET /api/x HTTP/1.1\r\nhost: x\r\n{many}\r\n"), "431"),
        ("\u{0}\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
        ("GET /api/x HTTP/3.7\r\nhost: x\r\n\r\n".to_owned(), "400"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
    ] {
        let answer = host.raw(&request).await;
        let told = answer.strip_prefix("HTTP/1.1 ").unwrap_or_default();
        assert!(told.starts_with(status), "{}…: {answer}", &request[..20]);
        assert!(!told.starts_with('2'), "{answer}");
    }
    let told = host.raw(format!("GET /api/x HTTP/1.1\r\nhost: x\r\nx-big: {big}\r\n\r\n")).await;
    assert!(told.contains("application/problem+json") && told.contains("longer than 32768 bytes"), "{told}");
    host.get("/api/x").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_says_how_long_a_head_may_be() {
    let asked = |length: usize| {
        format!("GET /api/x HTTP/1.1\r\nhost: x\r\nx-big: {}\r\nconnection: close\r\n\r\n", "x".repeat(length))
    };
    for (most, length, status) in [(8192, 8000, "200"), (8192, 8200, "431"), (600_000, 500_000, "200")] {
        let host = Start::behaviour("routing").options(|options| options.max_head = Some(most)).start().await;
        let answer = host.raw(asked(length)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length} of {most}: {}", &answer[..100]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_values_that_are_no_text_reach_the_component_unharmed() {
    let host = Host::start("routing").await;
    let request = b"GET /api/x HTTP/1.1\r\nhost: x\r\nx-bytes: \xff\xfe\r\nconnection: close\r\n\r\n";
    let answer = host.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-bytes: "), "{answer}");
}
