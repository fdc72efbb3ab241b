//! A process that stood still is no reason for an answer to be late: what ran has as long as it had before.

use std::process::Command;
use std::time::Instant;

use crate::support::host::Start;

/// The deadline of a request is 1.5 s. A pause counts from one second on.
const STOPPED: &str = "3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_survive_a_stop_that_is_longer_than_their_deadline() {
    let host = Start::behaviour("pauses").alone().start().await;
    let under_way = host.started("/slow/sleep?1000", 1).await;
    let began = Instant::now();
    stop_this_process();
    assert!(began.elapsed().as_secs() >= 3, "it stood still for {:?}", began.elapsed());
    assert_eq!(under_way.await.unwrap().expect(200), "slept");
    assert_eq!(host.get("/slow/ok").await.expect(200), "ok");
    assert_eq!(host.get("/slow/sleep?2500").await.status, 504, "and what is late on its own is late");
    host.runs(0).await;
}

/// SIGSTOP, and SIGCONT by somebody who still runs.
fn stop_this_process() {
    let pid = std::process::id();
    let script = format!("kill -STOP {pid}; sleep {STOPPED}; kill -CONT {pid}");
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}
