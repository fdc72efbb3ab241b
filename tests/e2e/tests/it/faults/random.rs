//! `kill -9` at random moments, with publishers that send again what nobody acknowledged, as an outbox does.

use super::brake::column;
use super::subscribers::{event, publish, settled, start};
use kobliat_e2e::{Outside, TestProcess, eventually};
use rand::Rng;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::task::JoinSet;

/// Each has a key of its own: it alone decides on that key's order.
const PUBLISHERS: usize = 8;

/// Publications that are acknowledged before a kill, at most.
const MOST_ACKNOWLEDGED: usize = 120;

/// Events `0..end` of the key are acknowledged. Sends the next few, again and again, until the host is gone.
async fn send_on(outside: Outside, key: usize, mut end: usize, count: Arc<AtomicUsize>) -> (usize, usize) {
    loop {
        let size = rand::rng().random_range(1..6);
        let events: Vec<Value> = (end..end + size).map(|n| numbered(key, n)).collect();
        match publish(&outside, events).await {
            Some(answer) if answer.status == 202 => {
                end += size;
                count.fetch_add(1, Relaxed);
            }
            Some(answer) if answer.status == 503 => {}
            // The guest's call broke off: the host is going.
            Some(answer) if answer.status >= 500 => {}
            Some(answer) => panic!("{}: {}", answer.status, answer.text()),
            None => return (key, end),
        }
    }
}

/// Some fail once, so that retries are among what is killed.
fn numbered(key: usize, n: usize) -> Value {
    let data = if n % 7 == 3 { json!({ "answer": 503, "times": 1 }) } else { json!({}) };
    event(&format!("{key}-{n}"), &key.to_string(), &data)
}

async fn load_and_kill(host: TestProcess, ends: &mut [usize]) {
    let enough = rand::rng().random_range(0..MOST_ACKNOWLEDGED);
    let (count, mut publishers) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for (key, end) in ends.iter().enumerate() {
        publishers.spawn(send_on(host.outside().clone(), key, *end, Arc::clone(&count)));
    }
    eventually("enough is acknowledged", async || (count.load(Relaxed) >= enough).then_some(())).await;
    host.kill().await;
    for (key, end) in publishers.join_all().await {
        ends[key] = end;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_survive_kills_at_random_moments_once_and_in_order() {
    let (state, mut ends) = (Arc::new(tempfile::tempdir().unwrap()), vec![0; PUBLISHERS]);
    for _ in 0..crate::kills::rounds() {
        load_and_kill(start(&state).await, &mut ends).await;
    }
    assert!(ends.iter().sum::<usize>() > 0, "nothing was ever acknowledged");
    let host = start(&state).await;
    settled(state.path()).await;
    let effects = column(state.path(), "sqlite_db", "SELECT id FROM effects ORDER BY n");
    for (key, end) in ends.iter().enumerate() {
        let prefix = format!("{key}-");
        let of_key: Vec<usize> =
            effects.iter().filter_map(|id| id.strip_prefix(&prefix)).map(|n| n.parse().unwrap()).collect();
        assert!(of_key.len() >= *end, "{} of {end} acknowledged events of key {key} have an effect", of_key.len());
        assert_eq!(of_key, (0..of_key.len()).collect::<Vec<_>>(), "each once, in order");
    }
    host.kill().await;
}
