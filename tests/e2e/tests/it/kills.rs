//! `kill -9` at random moments under load: what was acknowledged is there after the restart, once.

use crate::faults::{count, is_settled};
use kobliat_e2e::{Mode, Outside, TestProcess, eventually, whatsapp};
use rand::Rng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Clients that send at the same time.
const SENDERS: usize = 16;

/// Few enough people that their conversations are contended, and are walked quickly.
const PEOPLE: usize = 24;

/// Kills come after this many acknowledgements at most; the first ones hit a platform that has hardly started.
const MOST_ACKNOWLEDGED: usize = 250;

/// How often each test kills. `KOBLIAT_KILL_ROUNDS=200` for a long night.
pub fn rounds() -> usize {
    std::env::var("KOBLIAT_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10)
}

/// What the clients know, over all rounds.
#[derive(Default)]
struct Known {
    sent: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
}

/// One client after the other acknowledgement, until the platform is gone. What it sent, and what was acknowledged.
async fn send(outside: Outside, names: impl Iterator<Item = String>, count: Arc<AtomicUsize>) -> Known {
    let mut known = Known::default();
    for (n, id) in names.enumerate() {
        known.sent.insert(id.clone());
        let person = format!("1650{:07}", n % PEOPLE);
        match outside.try_webhook(whatsapp::one_text(&id, &person, &format!("body of {id}")).to_string()).await {
            Ok(answer) if answer.status == 200 => {
                known.acknowledged.insert(id);
                count.fetch_add(1, Relaxed);
            }
            // Overloaded: refused, and not acknowledged.
            Ok(answer) if answer.status == 503 => {}
            // No answer: the platform is gone.
            Ok(answer) if answer.status == 0 => break,
            Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
            Err(_) => break,
        }
    }
    known
}

/// Loads the platform, kills it at some moment, and learns from the clients what they were told.
async fn load_and_kill(host: TestProcess, round: usize, racing: bool, known: &mut Known) {
    let enough = rand::rng().random_range(0..MOST_ACKNOWLEDGED);
    let count = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        // Racing senders come in pairs that send the same messages at the same time.
        let name = if racing { sender / 2 } else { sender };
        let names = (0..).map(move |n| format!("r{round}-s{name}-{n}"));
        senders.spawn(send(host.outside().clone(), names, Arc::clone(&count)));
    }
    eventually("enough messages are acknowledged", async || (count.load(Relaxed) >= enough).then_some(())).await;
    host.kill().await;
    for one in senders.join_all().await {
        known.sent.extend(one.sent);
        known.acknowledged.extend(one.acknowledged);
    }
}

/// Every message that the API shows, by the provider's id; none may be there twice.
async fn shown(outside: &Outside) -> BTreeMap<String, Value> {
    let mut shown = BTreeMap::new();
    for message in outside.messages().await {
        let id = message["external_message_id"].as_str().unwrap().to_owned();
        let other = shown.insert(id, message);
        assert!(other.is_none(), "twice: {other:?}");
    }
    shown
}

async fn check(outside: &Outside, known: &Known) {
    let shown = eventually("every acknowledged message is there", async || {
        let shown = shown(outside).await;
        let missing = known.acknowledged.iter().filter(|id| !shown.contains_key(*id)).count();
        (missing == 0).then_some(shown)
    });
    for (id, message) in shown.await {
        assert!(known.sent.contains(&id), "nobody sent `{id}`");
        assert_eq!(message["body"], format!("body of {id}"));
    }
    for conversation in outside.conversations().await {
        let messages = outside.messages_of(&conversation).await;
        let seqs: Vec<u64> = messages.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=messages.len() as u64).rev().collect::<Vec<_>>(), "numbered without gaps");
    }
}

fn check_integrity(state_dir: &Path) {
    for entry in std::fs::read_dir(state_dir).unwrap().flatten() {
        if entry.path().extension().is_some_and(|it| it == "db") {
            let database = rusqlite::Connection::open(entry.path()).unwrap();
            let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(verdict, "ok", "{}", entry.path().display());
        }
    }
}

async fn survives(mode: Mode, racing: bool) {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let mut known = Known::default();
    for round in 0..rounds() {
        let host = crate::up().mode(mode).start(&state).await;
        check(host.outside(), &known).await;
        load_and_kill(host, round, racing, &mut known).await;
        check_integrity(state.path());
    }
    assert!(!known.acknowledged.is_empty(), "nothing was ever acknowledged");
    finish(mode, &state, &known).await;
}

/// Every message's event has reached its subscribers, once.
async fn check_events(state_dir: &Path, messages: usize) {
    eventually("every event has arrived", async || is_settled(state_dir).then_some(())).await;
    let published = "SELECT count(*) FROM known WHERE source = '/components/messaging'";
    assert_eq!(count(state_dir, "events", published), i64::try_from(messages).unwrap());
}

/// The last start; then everything that was ever sent is sent once more, and is there once.
async fn finish(mode: Mode, state: &Arc<TempDir>, known: &Known) {
    let host = crate::up().mode(mode).start(state).await;
    check(host.outside(), known).await;
    let before = shown(host.outside()).await.len();
    let lost: Vec<&String> = known.acknowledged.iter().take(50).collect();
    for id in lost {
        let body = whatsapp::one_text(id, "16500000000", &format!("body of {id}"));
        assert_eq!(host.outside().webhook(&body).await.expect(200)["duplicates"], 1, "{id}");
    }
    assert_eq!(shown(host.outside()).await.len(), before);
    check_events(state.path(), before).await;
    host.terminate();
    assert!(host.ended().await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_with_links() {
    if kobliat_e2e::skipped("our durability") {
        return;
    }
    survives(Mode::Links, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_composed() {
    if kobliat_e2e::skipped("our durability") {
        return;
    }
    survives(Mode::Composed, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_duplicates_are_one_message_with_links() {
    if kobliat_e2e::skipped("our durability") {
        return;
    }
    survives(Mode::Links, true).await;
}
