//! `kill -9` in the middle of a swap: the next start runs the old version or the new one, and the new one if the operator
//! was told so.

use kobliat_admin::Client;
use kobliat_e2e::{Command, TestProcess, eventually, root};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

fn up() -> Command {
    Command::behaviour(env!("CARGO_BIN_EXE_kobliat-e2e-host"), "swap")
}

/// The test component with this number, which it answers with.
fn version(number: usize) -> Vec<u8> {
    let file = root().join("target/guests/wasm32-wasip2/release/versioned.wasm");
    let mut wasm = std::fs::read(file).unwrap();
    let (old, new) = (b"mark:0001:good", format!("mark:{number:04}:good"));
    let at = wasm.windows(old.len()).position(|window| window == old).unwrap();
    wasm[at..at + old.len()].copy_from_slice(new.as_bytes());
    wasm
}

async fn runs(host: &TestProcess) -> String {
    host.outside().get("/v/").await.text()
}

/// Files of versions in the state directory.
fn versions(state: &Path) -> usize {
    let files = std::fs::read_dir(state.join("components")).unwrap();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "wasm")).count()
}

fn swap(state: &Path, wasm: Vec<u8>) -> JoinHandle<Option<Value>> {
    let admin = Client::in_state_dir(state);
    tokio::spawn(async move { admin.post("/components/versioned/swap", wasm).await.ok() })
}

/// Kills the host when `is_now` holds, and starts it again.
async fn killed_when(state: &Arc<TempDir>, number: usize, before: &str, is_now: impl Fn(&Path) -> bool) -> String {
    let host = up().start(state).await;
    assert_eq!(runs(&host).await, before);
    let swapping = swap(state.path(), version(number));
    eventually("the swap has come to the point", async || is_now(state.path()).then_some(())).await;
    host.kill().await;
    let told = swapping.await.unwrap();
    let host = up().start(state).await;
    let after = runs(&host).await;
    let new = format!("{number:04}");
    assert!(after == before || after == new, "neither the old nor the new: {after}");
    if told.is_some_and(|answer| answer["outcome"] == "switched") {
        assert_eq!(after, new, "the operator was told so");
    }
    host.kill().await;
    after
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_of_a_swap_a_start_runs_a_whole_version() {
    if kobliat_e2e::skipped("our swaps") {
        return;
    }
    let state = Arc::new(tempfile::tempdir().unwrap());
    let mut running = "0001".to_owned();
    let known = |state: &Path| std::fs::read_to_string(state.join("components/versions.json")).unwrap_or_default();
    // While it is compiled; when its bytes are kept; when its record is written.
    running = killed_when(&state, 2, &running, |_| true).await;
    let before = versions(state.path());
    running = killed_when(&state, 3, &running, |state| versions(state) > before).await;
    let before = known(state.path());
    running = killed_when(&state, 4, &running, |state| known(state) != before).await;
    assert_eq!(running, "0004", "what is written down is what runs");
    // And wherever it happens to be after so long.
    for (number, millis) in [(5, 40), (6, 120), (7, 250), (8, 500)] {
        let began = std::time::Instant::now();
        let after = Duration::from_millis(millis);
        running = killed_when(&state, number, &running, |_| began.elapsed() > after).await;
    }
    let left = std::fs::read_dir(state.path().join("components")).unwrap();
    let unfinished = left.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')).count();
    assert_eq!(unfinished, 0, "a start removes what was half written");
}
