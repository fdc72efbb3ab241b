//! `kill -9` at each point between two commits of an event's way: nothing is lost, nothing has two effects, order holds.
//!
//! The points are found from outside ([`brake`]): the host that is killed here is the one that is shipped.

mod brake;
mod dead_letters;
mod random;
mod subscribers;

pub use brake::count;
use brake::{Brake, is_locked};
use kobliat_e2e::{Receiver, TestProcess, eventually, whatsapp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const TRIAL: [(&str, &str); 1] = [("webhook_allow_private", "true")];
const RECEIVED: &str = "com.kobliat.message.received.v1";
const OUTBOXES: [&str; 3] = ["customer", "conversation", "messaging"];

/// Rows that there must be for the window to be open: database, query, number.
type Fact<'a> = (&'a str, &'a str, i64);

async fn start(state: &Arc<TempDir>) -> TestProcess {
    crate::up().variables(&TRIAL).start(state).await
}

async fn message(host: &TestProcess, id: &str) {
    host.outside().webhook(&whatsapp::one_text(id, "16505551234", id)).await.expect(200);
}

/// No event is on its way any more, and none was given up.
pub fn is_settled(state: &Path) -> bool {
    let outboxes: i64 = OUTBOXES.iter().map(|name| count(state, name, "SELECT count(*) FROM outbox")).sum();
    let refused: i64 = OUTBOXES.iter().map(|name| count(state, name, "SELECT count(*) FROM outbox_refused")).sum();
    assert_eq!(refused, 0, "the broker refused events");
    assert_eq!(count(state, "events", "SELECT count(*) FROM dead_letters"), 0);
    outboxes == 0 && count(state, "events", "SELECT count(*) FROM deliveries") == 0
}

async fn settled(state: &Path) {
    eventually("every event has arrived", async || is_settled(state).then_some(())).await;
}

/// Kills the host while the statement `brake` of `database` is under way for the second message, with these facts on disk.
async fn killed_at(database: &str, brake: &str, window: &[Fact<'_>]) {
    let (state, receiver) = (Arc::new(tempfile::tempdir().unwrap()), Receiver::start().await);
    let host = start(&state).await;
    let endpoint = json!({ "url": receiver.url(), "events": ["com.kobliat.message.*"] });
    host.outside().post("/api/v1/webhook-endpoints", &endpoint).await.expect(201);
    message(&host, "first").await;
    settled(state.path()).await;

    let brake = Brake::on(state.path(), database, brake);
    message(&host, "second").await;
    let holds = |(database, query, expected): &Fact<'_>| count(state.path(), database, query) == *expected;
    eventually("the host is between the two commits", async || {
        (window.iter().all(holds) && is_locked(state.path(), database)).then_some(())
    })
    .await;
    host.kill().await;
    assert!(window.iter().all(holds), "and was killed there");
    brake.release();

    let host = start(&state).await;
    message(&host, "third").await;
    settled(state.path()).await;
    check(&host, &receiver).await;
    host.kill().await;
}

/// Each message has one webhook, however often that was tried, and they came in order; the conversation was opened once.
async fn check(host: &TestProcess, receiver: &Receiver) {
    eventually("the receiver knows all three", async || (webhooks(receiver).0.len() == 3).then_some(())).await;
    let (ids, order) = webhooks(receiver);
    assert_eq!(order, ["first", "second", "third"]);
    assert!(ids.values().all(|ids| ids.len() == 1), "two events for one message: {ids:?}");
    let list = host.outside().get("/api/v1/notifications").await.expect(200);
    let kinds: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["conversation.new"]);
}

/// By message: the ids of its webhooks; and in which order they first came.
fn webhooks(receiver: &Receiver) -> (BTreeMap<String, BTreeSet<String>>, Vec<String>) {
    let (mut ids, mut order) = (BTreeMap::<String, BTreeSet<String>>::new(), Vec::new());
    for got in receiver.got() {
        let body: Value = serde_json::from_str(&got.body).unwrap();
        let message = body["data"]["body"].as_str().unwrap_or_default().to_owned();
        if !ids.contains_key(&message) {
            order.push(message.clone());
        }
        ids.entry(message).or_default().insert(got.headers["webhook-id"].clone());
    }
    (ids, order)
}

const KNOWN: &str = "SELECT count(*) FROM known WHERE source = '/components/messaging'";
const LEFT: &str = "SELECT count(*) FROM outbox";

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_insert_and_before_the_broker_has_the_event() {
    let brake = "BEFORE INSERT ON known WHEN new.source = '/components/messaging'";
    let inserted = ("messaging", "SELECT count(*) FROM messages", 2);
    killed_at("events", brake, &[inserted, ("messaging", LEFT, 1), ("events", KNOWN, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_broker_has_the_event_and_before_the_outbox_forgets_it() {
    killed_at("messaging", "BEFORE DELETE ON outbox", &[("events", KNOWN, 2), ("messaging", LEFT, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_handlers_effect_and_before_the_broker_knows() {
    let of_message = format!("attributes ->> 'type' = '{RECEIVED}'");
    let brake = format!(
        "BEFORE DELETE ON deliveries WHEN (SELECT {of_message} FROM events WHERE events.position = old.position)"
    );
    let effect = format!("SELECT count(*) FROM webhook_events WHERE type = '{RECEIVED}'");
    let waiting = format!("SELECT count(*) FROM deliveries JOIN events USING (position) WHERE {of_message}");
    killed_at("events", &brake, &[("notification", &effect, 2), ("events", &waiting, 1)]).await;
}
