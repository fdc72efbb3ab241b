//! What an operator does about events: dead letters, a component that is stopped, a backlog, a retention.

use super::{event, eventually_lines, plain, publish};
use crate::support::host::{Host, Start, application};
use http::Method;
use kobliat_admin::{Client, ClientError};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn admin(host: &Host) -> Client {
    Client::in_state_dir(host.runtime.state_dir())
}

async fn told(host: &Host, path: &str) -> Value {
    admin(host).get(path).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

async fn ask(host: &Host, method: Method, path: &str) -> Result<Value, ClientError> {
    admin(host).request(method, path, Default::default()).await
}

/// Asks until the answer is so.
async fn until(host: &Host, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = told(host, path).await;
        if holds(&answer) {
            return answer;
        }
        assert!(began.elapsed() < crate::support::client::PATIENCE, "{path}: {answer}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const LETTERS: &str = "/events/dead-letters?subscription=publisher";

/// Events that are refused until somebody heals the component: one dead letter each.
async fn dead(host: &Host, ids: &[&str]) -> Vec<Value> {
    for id in ids {
        publish(host, &[event("thing.v1", id, "k", json!({ "answer": 422 }))]).await.expect(202);
        until(host, LETTERS, |list| list["data"][0]["event_id"] == *id).await;
    }
    told(host, LETTERS).await["data"].as_array().unwrap().clone()
}

fn id(letter: &Value) -> &str {
    letter["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_newest_first_page_by_page_and_shown_whole() {
    let host = Host::start("events").await;
    let letters = dead(&host, &["a", "b", "c"]).await;
    let ids: Vec<&Value> = letters.iter().map(|letter| &letter["event_id"]).collect();
    assert_eq!(ids, ["c", "b", "a"]);
    let first = told(&host, &format!("{LETTERS}&limit=2")).await;
    assert_eq!((first["data"].as_array().unwrap().len(), &first["meta"]["has_more"]), (2, &json!(true)));
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    let second = told(&host, &format!("{LETTERS}&limit=2&cursor={cursor}")).await;
    assert_eq!((&second["data"][0]["event_id"], &second["meta"]["has_more"]), (&json!("a"), &json!(false)));
    assert_eq!(told(&host, &format!("{LETTERS}&tenant=other")).await["data"], json!([]));
    let shown = told(&host, &format!("/events/dead-letters/{}", id(&letters[0]))).await;
    assert_eq!((&shown["attempts"], &shown["last_status"]), (&json!(1), &json!(422)));
    assert!(shown["reason"].as_str().unwrap().ends_with("as the event says"), "{shown}");
    assert_eq!((&shown["event"]["id"], &shown["event"]["data"]), (&json!("c"), &json!({ "answer": 422 })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_redriven_the_rest_in_order_and_what_is_discarded_is_gone() {
    let host = Host::start("events").await;
    let letters = dead(&host, &["a", "b", "c", "d"]).await;
    let path = |n: usize| format!("/events/dead-letters/{}", id(&letters[n]));
    ask(&host, Method::DELETE, &path(0)).await.unwrap();
    for method in [Method::GET, Method::DELETE] {
        assert!(ask(&host, method, &path(0)).await.is_err(), "it is gone");
    }
    // Not healed yet: it is a dead letter again, of another id.
    ask(&host, Method::POST, &format!("{}/redrive", path(1))).await.unwrap();
    until(&host, LETTERS, |list| {
        list["data"].as_array().unwrap().len() == 3 && list["data"][0]["id"] != letters[1]["id"]
    })
    .await;
    host.get("/test/heal").await.expect(200);
    let all = json!({ "subscription": "publisher" }).to_string();
    let answer = admin(&host).post("/events/dead-letters/redrive", all).await.unwrap();
    assert_eq!(answer["redriven"], 3);
    // What tells of the dead letters is handled by the same component, under ids of another kind.
    let ours = |lines: &[String]| -> Vec<String> { lines.iter().filter(|line| line.len() == 3).cloned().collect() };
    eventually_lines(&host, "/test/effects", |lines| ours(lines).len() == 3).await;
    assert_eq!(ours(&host.lines("/test/effects", 3).await), ["a k", "b k", "c k"]);
    assert_eq!(told(&host, LETTERS).await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_stopped_component_wait_and_lose_no_attempt() {
    let host = Host::start("events").await;
    ask(&host, Method::POST, "/components/eager/stop").await.unwrap();
    publish(&host, &[event("eager.v1", "e", "k", json!({}))]).await.expect(202);
    let of_eager = |told: &Value| -> Value {
        let all = told["subscriptions"].as_array().unwrap();
        all.iter().find(|one| one["subscription"] == "eager").unwrap().clone()
    };
    let paused = until(&host, "/events/subscriptions", |told| of_eager(told)["state"] == "paused").await;
    assert_eq!(of_eager(&paused)["waiting"], 1);
    ask(&host, Method::POST, "/components/eager/start").await.unwrap();
    assert_eq!(host.lines("/other/test/seen", 1).await, ["e k 1"]);
    until(&host, "/events/subscriptions", |told| {
        let eager = of_eager(told);
        eager["state"] == "active" && eager["waiting"] == 0
    })
    .await;
}

const BOUNDED: &str = r#"
spin_manifest_version = 2
application = { name = "bounded" }
[[trigger.http]]
route = "/test/..."
component = "publisher"
[[trigger.http]]
route = { private = true }
component = "sink"
[component.publisher]
source = "GUESTS/subscriber.wasm"
allowed_outbound_hosts = ["http://events.kobliat.internal"]
[component.sink]
source = "GUESTS/subscriber.wasm"
sqlite_databases = ["default"]
tool.kobliat.subscribe = ["com.example.*"]
"#;

/// The application above, with this `[events]`.
fn bounded(events: &str) -> (Start, tempfile::TempDir) {
    let (start, folder) = application(BOUNDED);
    std::fs::write(folder.path().join("kobliat.toml"), format!("[events]\n{events}\n")).unwrap();
    (start, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_backlog_a_publisher_is_told_to_come_later() {
    let (start, _folder) = bounded("max_backlog = 2");
    let host = start.start().await;
    ask(&host, Method::POST, "/components/sink/stop").await.unwrap();
    publish(&host, &[plain("a", "k"), plain("b", "k")]).await.expect(202);
    let refused = publish(&host, &[plain("c", "k")]).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, Some("5")));
    ask(&host, Method::POST, "/components/sink/start").await.unwrap();
    until(&host, "/events/subscriptions", |told| told["backlog"] == 0).await;
    publish(&host, &[plain("c", "k")]).await.expect(202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_known_as_long_as_the_retention_says() {
    let (start, folder) = bounded("retention_days = 1");
    let host = start.start().await;
    let known = async |host: &Host, id: &str| -> Value {
        let answer = publish(host, &[plain(id, "k")]).await.expect(202);
        serde_json::from_str::<Value>(&answer).unwrap()["known"].clone()
    };
    assert_eq!(known(&host, "a").await, 0);
    assert_eq!(known(&host, "b").await, 0);
    assert_eq!(known(&host, "a").await, 1);
    std::fs::write(folder.path().join("kobliat.toml"), "[events]\nretention_days = 0\n").unwrap();
    let host = host.restart(Start::at(folder.path().to_owned())).await;
    let began = Instant::now();
    while known(&host, "a").await == 1 {
        assert!(began.elapsed() < crate::support::client::PATIENCE, "it is remembered for ever");
    }
}
