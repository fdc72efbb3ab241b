//! SIGTERM: what runs is finished, nothing new begins, and the exit code is 0.

use kobliat_e2e::whatsapp::{self, PATH, SIGNATURE, signature};
use kobliat_e2e::{Mode, Receiver, TestApp, eventually, in_both_modes};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A signed webhook as bytes: the head with the first half of the body, and the other half.
fn halves(id: &str) -> (Vec<u8>, Vec<u8>) {
    let body = whatsapp::one_text(id, "16505550001", "just in time").to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{SIGNATURE}: {}\r\n\r\n{first}",
        body.len(),
        signature(body.as_bytes())
    );
    (head.into_bytes(), second.as_bytes().to_vec())
}

in_both_modes! {
    async fn requests_in_flight_are_finished(mode: Mode) {
        if kobliat_e2e::skipped("our shutdown") {
            return;
        }
        let state = Arc::new(tempfile::tempdir().unwrap());
        let host = crate::up().mode(mode).start(&state).await;
        let address = host.outside().address();
        let mut clients = Vec::new();
        for n in 0..8 {
            let (first, second) = halves(&format!("in-flight-{n}"));
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&first).await.unwrap();
            clients.push((stream, second));
        }
        // Connections are accepted in their order: once this one is served, those before it are known to the host.
        host.outside().get("/health").await.expect(200);

        host.terminate();
        eventually("new connections are refused", async || TcpStream::connect(address).await.is_err().then_some(())).await;
        for (mut stream, second) in clients {
            stream.write_all(&second).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert!(answer.contains(r#""accepted":1"#), "{answer}");
        }
        let ended = host.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains("requests that run are finished first"), "{}", ended.stderr);

        let app = TestApp::start_on(state, mode).await;
        assert_eq!(app.messages().await.len(), 8);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_log_loses_nothing() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let host = crate::up().mode(Mode::Links).start(&state).await;
    let requests: Vec<_> = (0..40)
        .map(|_| {
            tokio::spawn({
                let outside = host.outside().clone();
                async move { outside.get("/api/v1/stats/channels").await.expect(200) }
            })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    // The last of them were answered a moment ago: they are on their way to the disk.
    host.terminate();
    assert_eq!(host.ended().await.status.code(), Some(0));
    let app = TestApp::start_on(state, Mode::Links).await;
    let logged = app.walk("/api/v1/logs?path=/api/v1/stats/channels").await;
    assert_eq!(logged.len(), 40);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_host_with_open_connections_stops_at_once() {
    if kobliat_e2e::skipped("our shutdown") {
        return;
    }
    let state = Arc::new(tempfile::tempdir().unwrap());
    let host = crate::up().mode(Mode::Links).start(&state).await;
    host.outside().get("/health").await.expect(200);
    let _idle = TcpStream::connect(host.outside().address()).await.unwrap();
    host.terminate();
    assert_eq!(host.ended().await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_tells_where_everything_is() {
    if kobliat_e2e::skipped("our shutdown") {
        return;
    }
    let state = Arc::new(tempfile::tempdir().unwrap());
    let host = crate::up().without_variables().start(&state).await;
    let base = format!("http://{}", host.outside().address());
    host.terminate();
    let said = host.ended().await.stdout;
    for line in [
        format!("Serving {base}"),
        "Available Routes:".to_owned(),
        format!("  api-gateway: {base} (wildcard)"),
        format!("  inbound-gateway: {base}/webhooks (wildcard)"),
        format!("Data:    {}", state.path().display()),
        format!("Logs:    {}", state.path().join("logs").display()),
        format!("Secrets: {}", state.path().join("secrets.toml").display()),
    ] {
        assert!(said.contains(&line), "`{line}` is missing:\n{said}");
    }
}

/// Nothing is due before, by the intervals that are set.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_collector_does_not_have_yet_is_sent() {
    if kobliat_e2e::skipped("our telemetry") {
        return;
    }
    let collector = Receiver::start().await;
    collector.answers(200);
    let state = Arc::new(tempfile::tempdir().unwrap());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ];
    let host = crate::up().mode(Mode::Links).environment(&variables).start(&state).await;
    host.outside().get("/health").await.expect(200);
    host.terminate();
    let ended = host.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let got = collector.got();
    let told = |path: &str, text: &str| got.iter().any(|one| one.path.ends_with(path) && one.body.contains(text));
    assert!(told("/v1/traces", "execute_wasm_component api-gateway"), "the span of the request");
    assert!(told("/v1/metrics", "api-gateway"), "the last metrics");
}
