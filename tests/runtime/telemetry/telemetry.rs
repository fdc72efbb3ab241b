//! OpenTelemetry: a request is one trace wherever it leads, metrics are sent, and an operator turns it on and off.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use kobliat_admin::Caller;
use kobliat_runtime::{Log, LogLevel, TelemetrySettings};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use serde_json::{Value, json};

use crate::support::collector::{Collector, Span};
use crate::support::host::{Host, Start, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OUTSIDE: &str = "00f067aa0ba902b7";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{OUTSIDE}-{flags}")
}

/// Sends to the collector at once.
fn settings(collector: &Collector) -> TelemetrySettings {
    let soon = Duration::from_millis(10);
    TelemetrySettings {
        endpoint: Some(collector.endpoint()),
        spans_every: soon,
        metrics_every: soon,
        ..TelemetrySettings::default()
    }
}

async fn host(settings: TelemetrySettings) -> Host {
    Start::behaviour("telemetry").options(|options| options.telemetry = settings).start().await
}

async fn traced(host: &Host, path: &str, flags: &str) -> String {
    host.request(Method::GET, path, &[("traceparent", &traceparent(flags))]).await.expect(200)
}

async fn admin(host: &Host, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(path).body(Full::new(Bytes::from(body))).unwrap();
    let answer = host.runtime.admin().handle(request, Caller::Socket).await;
    (answer.status(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

/// Each is the child of the one before it.
fn assert_line(spans: &[&Span]) {
    for pair in spans.windows(2) {
        assert_eq!(pair[1].parent, pair[0].id, "`{}` is not below `{}`", pair[1].name, pair[0].name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_one_trace_from_the_socket_to_the_database() {
    let collector = Collector::start().await;
    let host = host(settings(&collector)).await;
    // The event's delivery makes the table that is read below.
    let event = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/x"), ("ce-type", "com.example.made.v1")];
    let more = [("ce-tenant", "acme"), ("ce-partitionkey", "k"), ("content-type", "application/json")];
    let continued = traceparent("01");
    let headers: Vec<_> = event.into_iter().chain(more).chain([("ce-traceparent", continued.as_str())]).collect();
    host.post_as("/test/publish", &headers, "{}").await.expect(202);
    let delivered = collector.span(TRACE, "deliver com.example.made.v1").await;
    assert_eq!(delivered.parent, OUTSIDE);
    assert_eq!(delivered.attributes["messaging.message.id"], "1");
    let executed = collector.span(TRACE, "execute_wasm_component store").await;
    let inserted = collector.span(TRACE, "INSERT default").await;
    let committed =
        collector.spans().into_iter().find(|span| span.name == "COMMIT" && span.parent == inserted.id).unwrap();
    assert_line(&[&delivered, &executed, &inserted, &committed]);
    assert!(committed.took_ns <= inserted.took_ns);
    assert_eq!(inserted.attributes["db.query.text"], "INSERT INTO seen (line) VALUES (?)");

    let answer = host.get("/front/fetch?http://store.spin.internal/test/seen").await.expect(200);
    assert!(answer.starts_with("200 1 k 1"), "{answer}");
    let is_root = |span: &Span| span.name == "GET /front/...";
    eventually("the request's span", || collector.spans().iter().any(is_root)).await;
    let root = collector.spans().into_iter().find(is_root).unwrap();
    assert_eq!((root.parent.as_str(), root.attributes["http.response.status_code"].as_str()), ("", "200"));
    let front = collector.span(&root.trace, "execute_wasm_component front").await;
    let asked = collector.span(&root.trace, "GET").await;
    let store = collector.span(&root.trace, "execute_wasm_component store").await;
    let selected = collector.span(&root.trace, "SELECT default").await;
    assert_line(&[&root, &front, &asked, &store, &selected]);
    assert!(!selected.attributes.contains_key("db.query.text"), "nothing is bound: values may be in the text");
    let told: Vec<String> = collector.spans().iter().map(|span| format!("{span:?}")).collect();
    assert!(
        !told.iter().any(|span| span.contains("/fetch") || span.contains("/test/seen")),
        "a path is told: {told:?}"
    );
    assert_eq!(asked.attributes["server.address"], "store.spin.internal");
    assert_eq!(asked.attributes["server.port"], "80");
    assert!([root, front, asked, store, selected].iter().all(|span| span.error.is_none()));
    assert_eq!(collector.resource()["service.name"], "telemetry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_call_is_a_span_of_both_sides() {
    let collector = Collector::start().await;
    let host = host(settings(&collector)).await;
    traced(&host, "/caller/echo?x", "01").await;
    let root = collector.span(TRACE, "GET /caller/...").await;
    assert_eq!(root.parent, OUTSIDE);
    let caller = collector.span(TRACE, "execute_wasm_component caller").await;
    let call = collector.span(TRACE, "kobliat:link-test/calls@0.1.0#perform").await;
    let callee = collector.span(TRACE, "execute_wasm_component callee").await;
    assert_line(&[&root, &caller, &call, &callee]);

    host.get("/caller/trap").await.expect(502);
    let failed = |span: &Span| span.name == "execute_wasm_component callee" && span.error.is_some();
    eventually("the trap's span", || collector.spans().iter().any(failed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_decides_what_is_recorded() {
    let collector = Collector::start().await;
    let mut settings = settings(&collector);
    settings.sampler.rate = 0.0;
    let host = host(settings).await;
    traced(&host, "/caller/echo?x", "00").await;
    host.get("/front/x").await.expect(200);
    let report = traced(&host, "/front/x", "00").await;
    assert!(report.contains(&format!("traceparent: {}", traceparent("00"))), "{report}");
    traced(&host, "/caller/echo?x", "01").await;
    collector.span(TRACE, "GET /caller/...").await;
    collector.span(TRACE, "execute_wasm_component callee").await;
    let roots = collector.spans().into_iter().filter(|span| span.name.starts_with("GET /")).count();
    assert_eq!(roots, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_sent_and_what_waits_is_sent_at_the_end() {
    let collector = Collector::start().await;
    let never = Duration::from_secs(3600);
    let mut settings = TelemetrySettings { spans_every: never, metrics_every: never, ..settings(&collector) };
    settings.traces.headers = vec![("x-team".to_owned(), "obs".to_owned())];
    settings.metrics.headers = settings.traces.headers.clone();
    settings.service_name = Some("platform".to_owned());
    let host = host(settings).await;
    traced(&host, "/caller/echo?x", "01").await;
    host.runs(0).await;
    assert!(collector.spans().is_empty() && collector.metrics().is_empty());
    host.runtime.shutdown().await;
    collector.span(TRACE, "GET /caller/...").await;
    assert_eq!(collector.headers()["x-team"], "obs");
    assert_eq!(collector.resource()["service.name"], "platform");
    let metrics = collector.metrics();
    let find = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap().data.clone().unwrap();
    let Data::Histogram(duration) = find("kobliat.request_duration_seconds") else { panic!("a histogram") };
    assert_eq!(duration.data_points.iter().map(|point| point.count).sum::<u64>(), 2, "a request and a call");
    let Data::Sum(requests) = find("kobliat.requests") else { panic!("a sum") };
    assert!(requests.is_monotonic);
    assert!(matches!(find("kobliat.instances"), Data::Gauge(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_turns_it_on_and_off_and_the_next_start_remembers() {
    let (first, second) = (Collector::start().await, Collector::start().await);
    let levels = Arc::new(Mutex::new(Vec::new()));
    let start = || {
        let levels = Arc::clone(&levels);
        let log = Log::new(LogLevel::Warn, move |level| levels.lock().unwrap().push(level));
        let settings = TelemetrySettings {
            spans_every: Duration::from_millis(10),
            allowed_endpoints: vec![first.endpoint(), second.endpoint()],
            ..TelemetrySettings::default()
        };
        Start::behaviour("telemetry").options(|options| (options.telemetry, options.log) = (settings, log))
    };
    let host = start().start().await;
    let plain = json!({ "enabled": true, "endpoint": null, "sampling_rate": 1.0, "log_level": "warn" });
    assert_eq!(admin(&host, Method::GET, "/telemetry/config", &Value::Null).await, (StatusCode::OK, plain.clone()));

    let part = json!({ "endpoint": first.endpoint(), "log_level": "debug" });
    let (status, now) = admin(&host, Method::PUT, "/telemetry/config", &part).await;
    assert_eq!((status, &now["endpoint"], &now["log_level"]), (StatusCode::OK, &part["endpoint"], &part["log_level"]));
    traced(&host, "/caller/echo?x", "01").await;
    first.span(TRACE, "GET /caller/...").await;
    assert_eq!(*levels.lock().unwrap(), [LogLevel::Debug]);
    for bad in [json!({ "sampling_rate": 2 }), json!({ "endpoint": "nowhere" }), json!({ "colour": 1 }), json!([])] {
        assert_eq!(admin(&host, Method::PUT, "/telemetry/config", &bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(admin(&host, Method::GET, "/telemetry/config", &Value::Null).await.1, now);

    let host = host.restart(start()).await;
    assert_eq!(admin(&host, Method::GET, "/telemetry/config", &Value::Null).await.1, now);
    assert_eq!(*levels.lock().unwrap(), [LogLevel::Debug, LogLevel::Debug]);
    let elsewhere = json!({ "endpoint": second.endpoint(), "sampling_rate": 0.5 });
    admin(&host, Method::PUT, "/telemetry/config", &elsewhere).await;
    traced(&host, "/caller/echo?x", "01").await;
    second.span(TRACE, "GET /caller/...").await;
    admin(&host, Method::PUT, "/telemetry/config", &json!({ "enabled": false })).await;
    let report = host.get("/front/x").await.expect(200);
    assert!(!report.contains("traceparent"), "nothing is recorded, so no trace is begun: {report}");
}

/// A token in the path, as Telegram has it, and a customer's number, as others have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_span_tells_a_path_or_a_query() {
    let collector = Collector::start().await;
    let host = host(settings(&collector)).await;
    let asked = "/front/fetch?http://store.spin.internal/test/bot123:SECRET/chats/4915112345678?token=SECRET";
    host.get(asked).await;
    eventually("the request's span", || collector.spans().iter().any(|span| span.name == "GET")).await;
    eventually("the root's span", || collector.spans().iter().any(|span| span.name == "GET /front/...")).await;
    for span in collector.spans() {
        let told = format!("{} {:?} {:?}", span.name, span.attributes, span.error);
        assert!(!told.contains("SECRET") && !told.contains("4915112345678"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_telemetry_goes_is_the_administrators_decision() {
    let (configured, other) = (Collector::start().await, Collector::start().await);
    let mut settings = settings(&configured);
    settings.traces.headers = vec![("authorization".to_owned(), "Bearer of-the-collector".to_owned())];
    settings.metrics.headers = settings.traces.headers.clone();
    settings.allowed_endpoints = vec![other.endpoint()];
    let host = host(settings).await;
    let put = async |body: Value, caller: Caller| {
        let body = Full::new(Bytes::from(body.to_string()));
        let request = Request::builder().method(Method::PUT).uri("/telemetry/config").body(body).unwrap();
        host.runtime.admin().handle(request, caller).await.status()
    };
    let gateway = || Caller::Component("api-gateway".to_owned());
    for endpoint in [json!("http://127.0.0.1:1"), json!(other.endpoint()), json!(null)] {
        assert_eq!(put(json!({ "endpoint": endpoint }), gateway()).await, StatusCode::FORBIDDEN, "{endpoint}");
    }
    assert_eq!(put(json!({ "sampling_rate": 1.0 }), gateway()).await, StatusCode::OK);
    let unlisted = put(json!({ "endpoint": "http://127.0.0.1:1" }), Caller::Socket).await;
    assert_eq!(unlisted, StatusCode::UNPROCESSABLE_ENTITY);
    traced(&host, "/front/x", "01").await;
    configured.span(TRACE, "GET /front/...").await;
    assert_eq!(configured.headers()["authorization"], "Bearer of-the-collector");

    assert_eq!(put(json!({ "endpoint": other.endpoint() }), Caller::Token).await, StatusCode::OK);
    traced(&host, "/front/x", "01").await;
    other.span(TRACE, "GET /front/...").await;
    assert!(!other.headers().contains_key("authorization"), "the header is for the configured collector");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_told_since_they_were_reset() {
    let host = host(TelemetrySettings::default()).await;
    let ok = |numbers: &Value| {
        let requests = numbers["metrics"]["requests"].as_array().unwrap();
        let is = |one: &&Value| one["component"] == "caller" && one["outcome"] == "ok";
        requests.iter().find(is).unwrap()["value"].as_u64().unwrap()
    };
    host.get("/caller/ok").await.expect(200);
    let (_, before) = admin(&host, Method::GET, "/telemetry/metrics", &Value::Null).await;
    assert_eq!(ok(&before), 1);
    assert_eq!(admin(&host, Method::DELETE, "/telemetry/metrics", &Value::Null).await.0, StatusCode::NO_CONTENT);
    host.get("/caller/ok").await.expect(200);
    host.get("/caller/ok").await.expect(200);
    let (_, after) = admin(&host, Method::GET, "/telemetry/metrics", &Value::Null).await;
    assert_eq!(ok(&after), 2);
    let page = host.runtime.metrics().text();
    assert!(page.contains(r#"kobliat_requests_total{component="caller",kind="http",outcome="ok"} 3"#), "{page}");
}
