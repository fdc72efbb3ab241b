//! The application of `tests/runtime/events` as a process: one component that publishes what it is told, and handles it as
//! the event says.

use kobliat_e2e::{Command, Outside, Reply, TestProcess, eventually};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const HOST: &str = env!("CARGO_BIN_EXE_kobliat-e2e-host");
const BATCH: [(&str, &str); 1] = [("content-type", "application/cloudevents-batch+json")];

pub async fn start(state: &Arc<TempDir>) -> TestProcess {
    Command::behaviour(HOST, "events").start(state).await
}

/// `data` says what its handler answers.
pub fn event(id: &str, key: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "type": "com.example.thing.v1", "source": "/x", "id": id, "tenant": "t",
        "partitionkey": key, "data": data,
    })
}

/// `None` when the host is gone.
pub async fn publish(outside: &Outside, events: Vec<Value>) -> Option<Reply> {
    let answer = outside.try_send(http::Method::POST, "/test/publish", &BATCH, Value::from(events).to_string()).await;
    answer.ok().filter(|answer| answer.status != 0)
}

/// What the component noted, line by line: `seen` (attempts) or `effects`.
pub async fn lines(outside: &Outside, what: &str) -> Vec<String> {
    let answer = outside.send(http::Method::GET, &format!("/test/{what}"), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().lines().map(str::to_owned).collect()
}

pub async fn settled(state: &Path) {
    let waiting = || super::count(state, "events", "SELECT count(*) FROM deliveries");
    eventually("nothing waits", async || (waiting() == 0).then_some(())).await;
}

/// `kobliat events …`, of the host with this state.
pub fn command(state: &Path, arguments: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(HOST);
    command.arg("events").args(arguments).arg("--state-dir").arg(state).kill_on_drop(true);
    command
}
