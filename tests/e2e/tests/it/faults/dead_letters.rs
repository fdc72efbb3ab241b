//! `kill -9` in the middle of becoming a dead letter, and in the middle of being delivered again.

use super::brake::{Brake, column, count, is_locked};
use super::subscribers::{command, event, lines, publish, settled, start};
use kobliat_e2e::eventually;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::Arc;

const LETTERS: &str = "SELECT count(*) FROM dead_letters";

/// The delivery is taken out already, the letter is not there yet.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_dead_letters_move() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let host = start(&state).await;
    let brake = Brake::on(state.path(), "events", "BEFORE INSERT ON dead_letters");
    let hopeless = event("hopeless", "k", &json!({ "answer": 422 }));
    publish(host.outside(), vec![hopeless, event("next", "k", &json!({}))]).await.unwrap().expect(202);
    eventually("it was answered, and is on its way to the dead letters", async || {
        let seen = lines(host.outside(), "seen").await;
        (seen == ["hopeless k 1"] && is_locked(state.path(), "events")).then_some(())
    })
    .await;
    host.kill().await;
    assert_eq!(count(state.path(), "events", LETTERS), 0);
    assert_eq!(count(state.path(), "events", "SELECT count(*) FROM deliveries"), 2, "nothing of the move was kept");
    brake.release();

    let host = start(&state).await;
    eventually("the next one of the key arrives", async || {
        (lines(host.outside(), "effects").await.first()? == "next k").then_some(())
    })
    .await;
    settled(state.path()).await;
    assert_eq!(count(state.path(), "events", LETTERS), 1, "once");
    let announced = "SELECT count(*) FROM known WHERE source = '/host'";
    assert_eq!(count(state.path(), "events", announced), 1, "told once");
    host.kill().await;
}

/// More than one step of a redrive has, over few keys.
const MANY: usize = 1500;
const KEYS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_a_redrive() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let host = start(&state).await;
    let hopeless = |n: usize| event(&n.to_string(), &(n % KEYS).to_string(), &json!({ "answer": 422 }));
    for first in (0..MANY).step_by(500) {
        let some: Vec<Value> = (first..first + 500).map(hopeless).collect();
        publish(host.outside(), some).await.unwrap().expect(202);
    }
    let letters = || count(state.path(), "events", LETTERS);
    eventually("all are dead letters", async || (letters() == MANY as i64).then_some(())).await;
    lines(host.outside(), "heal").await;
    let brake = Brake::on(
        state.path(),
        "events",
        "AFTER DELETE ON dead_letters WHEN (SELECT count(*) FROM dead_letters) < 300",
    );
    let mut redrive = command(state.path(), &["redrive", "--subscription", "publisher"]);
    let redrive = redrive.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the second step is under way", async || {
        (letters() == (MANY - 1000) as i64 && is_locked(state.path(), "events")).then_some(())
    })
    .await;
    host.kill().await;
    drop(redrive);
    assert_eq!(letters(), (MANY - 1000) as i64);
    brake.release();

    let host = start(&state).await;
    let told = command(state.path(), &["redrive", "--subscription", "publisher"]).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&told.stdout), "500 of component `publisher` are delivered again\n");
    settled(state.path()).await;
    assert_eq!(letters(), 0);
    let effects = column(state.path(), "sqlite_db", "SELECT id FROM effects ORDER BY n");
    let of_key = |key: usize| -> Vec<usize> {
        // What tells of the dead letters has ids of another kind.
        effects.iter().filter_map(|id| id.parse().ok()).filter(|id| id % KEYS == key).collect()
    };
    for key in 0..KEYS {
        assert_eq!(of_key(key), (key..MANY).step_by(KEYS).collect::<Vec<_>>(), "each once, in order");
    }
    host.kill().await;
}
