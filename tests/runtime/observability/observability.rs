//! Every limit has an answer, a log line and a counter; a request's trace goes wherever the request leads.

use http::Method;

use crate::support::host::{Host, Start, eventually, log};
use crate::support::server::Server;

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn metric(host: &Host, line: &str) -> u64 {
    let text = host.runtime.metrics().text();
    let value = text.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no `{line}` in\n{text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_is_answered_logged_and_counted() {
    let host = Start::behaviour("observability").alone().start().await;
    host.get("/limited/ok").await.expect(200);
    host.get("/limited/loop").await.expect(500);
    host.get("/limited/hoard").await.expect(500);
    host.get("/limited/sleep?60000").await.expect(504);
    host.runs(0).await;
    host.post("/limited/length", vec![b'x'; 2048]).await.expect(413);
    assert_eq!(host.post("/limited/length", vec![b'x'; 1024]).await.expect(200), "1024");
    let slow = host.started("/limited/sleep?500", 1).await;
    let client = (*host).clone();
    let queued = tokio::spawn(async move { client.get("/limited/ok").await });
    let line = "kobliat_jobs_queued{component=\"limited\",kind=\"http\"}";
    eventually("one waits", || metric(&host, line) == 1).await;
    let refused = host.get("/limited/ok").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect(503);
    slow.await.unwrap().expect(200);
    queued.await.unwrap().expect(200);

    for limit in ["cpu", "memory", "wall", "queue", "body"] {
        let counted =
            metric(&host, &format!("kobliat_limit_breaches_total{{component=\"limited\",limit=\"{limit}\"}}"));
        assert!(counted >= 1, "{limit}");
    }
    for (outcome, count) in [("ok", 4), ("crashed", 2), ("timeout", 1), ("refused", 2)] {
        let line = format!("kobliat_requests_total{{component=\"limited\",kind=\"http\",outcome=\"{outcome}\"}}");
        assert_eq!(metric(&host, &line), count, "{outcome}");
    }
    let log = log();
    for line in [
        "used its CPU budget of 200 ms",
        "an instance of component `limited` wants more than its 8388608 bytes",
        "to component `limited` failed: the component did not answer in time",
        "component `limited` turns requests away: 1 wait for its instances already",
        "to component `limited` failed: the body is larger than the component takes",
    ] {
        assert!(log.contains(line), "no `{line}` in the log");
    }
    let text = host.runtime.metrics().text();
    let version = text
        .lines()
        .find(|line| line.starts_with("kobliat_version_requests_total{component=\"limited\",kind=\"http\""));
    assert!(version.is_some_and(|line| line.contains("version=\"")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_goes_on_between_components_and_no_third_party_learns_of_it() {
    let host = Host::start("observability").await;
    let outside = Server::start().await;
    let traced = |url: String| {
        let client = (*host).clone();
        async move {
            let path = format!("/reporter/fetch?{url}");
            client.request(Method::GET, &path, &[("traceparent", TRACEPARENT)]).await.expect(200)
        }
    };
    let inside = traced("http://reporter.spin.internal/x".to_owned()).await;
    assert!(inside.contains(&format!("traceparent: {TRACEPARENT}")), "{inside}");
    let outside = traced(outside.url()).await;
    assert!(!outside.contains("traceparent") && !outside.contains("tracestate"), "{outside}");
    let report = host.get("/reporter/fetch?http://reporter.spin.internal/x").await.expect(200);
    assert!(!report.contains("traceparent"), "nobody began a trace: {report}");
}
