//! Events: durable when acknowledged, in order per key, tried again, and at last dead letters.

mod operator;

use crate::support::client::Answer;
use crate::support::host::{Host, Start, application};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const BATCH: &str = "application/cloudevents-batch+json";

/// An event of the type `com.example.<kind>`.
fn event(kind: &str, id: &str, key: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "type": format!("com.example.{kind}"), "source": "/components/forged", "id": id,
        "tenant": "acme", "partitionkey": key, "data": data,
    })
}

fn plain(id: &str, key: &str) -> Value {
    event("thing.v1", id, key, json!({}))
}

async fn publish(host: &Host, events: &[Value]) -> Answer {
    host.publish(BATCH, Value::from(events).to_string()).await
}

impl Host {
    async fn publish(&self, content_type: &str, body: String) -> Answer {
        self.post_as("/test/publish", &[("content-type", content_type)], body).await
    }

    /// The lines of `/test/seen` or `/test/effects`, when there are so many.
    async fn lines(&self, path: &str, count: usize) -> Vec<String> {
        let began = std::time::Instant::now();
        loop {
            let answer = self.get(path).await;
            // A trap ends all that is under way in its instance, such as this.
            let text = if answer.status.is_server_error() { String::new() } else { answer.expect(200) };
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(began.elapsed() < crate::support::client::PATIENCE, "{path} has {lines:?}, not {count} lines");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_arrives_in_binary_mode_with_what_the_host_vouches_for() {
    let host = Host::start("events").await;
    let told = json!({ "show": true, "text": "Grüß\u{a0}dich" });
    let mut event = event("thing.v1", "e1", "k 1", told.clone());
    event["subject"] = "Ärger 100%".into();
    event["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into();
    let answer = publish(&host, &[event]).await.expect(202);
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), json!({ "accepted": 1, "known": 0 }));
    let line = host.lines("/test/seen", 1).await.remove(0);
    for expected in [
        "ce-specversion=1.0",
        "ce-id=e1",
        "ce-source=/components/publisher ",
        "ce-type=com.example.thing.v1",
        "ce-partitionkey=k%201",
        "ce-subject=%C3%84rger%20100%25",
        "ce-tenant=acme",
        "content-type=application/json",
        "kobliat-tenant=acme",
        "kobliat-attempt=1",
        "x-request-id=e1",
        "traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        &told.to_string(),
    ] {
        assert!(line.contains(expected), "{expected} in {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_three_modes_are_taken_and_a_copy_is_recognised() {
    let host = Host::start("events").await;
    host.publish("application/cloudevents+json; charset=UTF-8", plain("one", "k").to_string()).await.expect(202);
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "two"),
        ("ce-source", "x"),
        ("ce-type", "com.example.thing.v1"),
        ("ce-tenant", "acme"),
        ("ce-partitionkey", "k"),
        ("content-type", "application/json"),
    ];
    host.post_as("/test/publish", &headers, "{}").await.expect(202);
    let again = publish(&host, &[plain("one", "k"), plain("three", "k"), plain("three", "k")]).await.expect(202);
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), json!({ "accepted": 1, "known": 2 }));
    assert_eq!(host.lines("/test/seen", 3).await, ["one k 1", "two k 1", "three k 1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_event_is_named_and_nothing_of_its_batch_is_stored() {
    let host = Host::start("events").await;
    let mut bad = plain("bad", "k");
    bad.as_object_mut().unwrap().remove("partitionkey");
    let answer = publish(&host, &[plain("good", "k"), bad]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), None, "the guest passes on the body only");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&problem["index"], &problem["code"]), (&json!(1), &json!("bad_event")));
    assert!(problem["detail"].as_str().unwrap().contains("`partitionkey`"), "{problem}");
    publish(&host, &[plain("good", "k")]).await.expect(202);
    assert_eq!(host.lines("/test/seen", 1).await, ["good k 1"], "stored once, by the second publication");
    assert_eq!(host.publish("text/plain", "hello".to_owned()).await.status, 415);
    assert_eq!(host.publish(BATCH, "[".to_owned()).await.status, 400);
    assert_eq!(host.publish(BATCH, " ".repeat(9 << 20)).await.status, 413);
    assert_eq!(host.request(Method::PUT, "/test/publish", &[]).await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_names_the_host_publishes() {
    let host = Host::start("events").await;
    let headers = [("content-type", "application/cloudevents+json")];
    let answer = host.post_as("/other/test/publish", &headers, plain("e", "k").to_string()).await;
    assert_eq!(answer.status.as_u16(), 599);
    assert_eq!(answer.body, "ErrorCode::HttpRequestDenied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_key_blocks_only_itself_and_keeps_its_order() {
    let host = Host::start("events").await;
    let fails = event("thing.v1", "a1", "a", json!({ "answer": 503, "times": 2 }));
    publish(&host, &[fails, plain("a2", "a"), plain("b1", "b"), plain("b2", "b")]).await.expect(202);
    let seen = host.lines("/test/seen", 6).await;
    let of = |key: &str| seen.iter().filter(|line| line.contains(key)).cloned().collect::<Vec<_>>();
    assert_eq!(of(" a "), ["a1 a 1", "a1 a 2", "a1 a 3", "a2 a 1"]);
    assert_eq!(of(" b "), ["b1 b 1", "b2 b 1"]);
    assert_eq!(seen.last().unwrap(), "a2 a 1", "b did not wait for a: {seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_and_a_hang_are_failed_attempts() {
    let host = Host::start("events").await;
    let trap = event("thing.v1", "trap", "a", json!({ "answer": 0, "times": 1 }));
    let hang = event("thing.v1", "hang", "b", json!({ "answer": 1, "times": 1 }));
    publish(&host, &[trap, hang]).await.expect(202);
    let effects = host.lines("/test/effects", 2).await;
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert_eq!(host.lines("/test/seen", 4).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_announced_and_lets_its_key_go_on() {
    let host = Host::start("events").await;
    let dead = event("eager.v1", "dead", "k", json!({ "answer": 500 }));
    let hopeless = event("eager.v1", "hopeless", "k2", json!({ "answer": 422 }));
    publish(&host, &[dead, hopeless, event("eager.v1", "next", "k", json!({}))]).await.expect(202);
    let seen = host.lines("/other/test/seen", 5).await;
    let of = |id: &str| seen.iter().filter(|line| line.starts_with(id)).count();
    assert_eq!((of("dead"), of("hopeless"), of("next")), (3, 1, 1), "{seen:?}");
    // The publisher gets the three events as well, fails the same two for longer, and hears of the dead letters.
    eventually_lines(&host, "/test/seen", |lines| lines.iter().filter(|line| line.contains("-")).count() >= 2).await;
}

/// Waits for a fact about the lines.
async fn eventually_lines(host: &Host, path: &str, holds: impl Fn(&[String]) -> bool) {
    let began = std::time::Instant::now();
    loop {
        let lines = host.lines(path, 0).await;
        if holds(&lines) {
            return;
        }
        assert!(began.elapsed() < crate::support::client::PATIENCE, "{path}: {lines:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_outlives_the_host() {
    let host = Host::start("events").await;
    let fails = event("thing.v1", "a1", "a", json!({ "answer": 503 }));
    publish(&host, &[fails, plain("a2", "a")]).await.expect(202);
    host.lines("/test/seen", 1).await;
    host.get("/test/heal").await.expect(200);
    let host = host.restart(Start::behaviour("events")).await;
    let effects = host.lines("/test/effects", 2).await;
    assert_eq!(effects, ["a1 a", "a2 a"]);
}

#[tokio::test]
async fn a_subscriber_needs_a_trigger_of_which_nobody_can_forge_events() {
    let head = "spin_manifest_version = 2\napplication = { name = \"refused\" }\n";
    let component =
        "[component.one]\nsource = \"GUESTS/subscriber.wasm\"\ntool.kobliat.subscribe = [\"com.example.*\"]\n";
    let other =
        "[[trigger.http]]\nroute = \"/x\"\ncomponent = \"two\"\n[component.two]\nsource = \"GUESTS/subscriber.wasm\"\n";
    let cases = [
        ("[[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\n", "exposes /events or /internal/…"),
        (other, "[component.one.tool.kobliat] `subscribe`: events come by HTTP"),
    ];
    for (triggers, expected) in cases {
        let (start, _folder) = application(&format!("{head}{triggers}{component}"));
        let reason = start.refusal().await;
        assert!(reason.contains(expected), "expected `{expected}` in: {reason}");
    }
    let retry = Start::behaviour("events").variable("event_first_retry_ms", "soon").refusal().await;
    assert!(retry.contains("`event_first_retry_ms` is `soon`; write milliseconds"), "{retry}");
}
