//! Who waits too long is answered in time; who goes away leaves nothing behind.

use std::time::Duration;

use crate::support::host::{Host, eventually};

/// What an answer may be late on a busy machine.
const SLACK: Duration = Duration::from_secs(2);

/// More than run at once: some of them leave from the queue.
const ABANDONED: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_ends_with_its_time_and_its_neighbours_finish() {
    let host = Host::start("walltime").await;
    let late = host.started("/brief/sleep?60000", 1).await;
    let neighbour = host.started("/brief/sleep?300", 2).await;
    assert_eq!(neighbour.await.unwrap().expect(200), "slept");
    let late = late.await.unwrap();
    assert_eq!(late.status, 504);
    assert!(
        late.took >= Duration::from_millis(600) && late.took < Duration::from_millis(600) + SLACK,
        "{:?}",
        late.took
    );
    assert_eq!(host.get("/brief/ok").await.expect(200), "ok");
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_leave_nothing_behind() {
    let host = Host::start("walltime").await;
    abandon(&host, "/brief/sleep?600000").await;
    host.runs(0).await;
    assert_eq!(host.get("/brief/ok").await.expect(200), "ok");
    eventually("one instance", || host.runtime.instances() <= 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_leave_nothing_behind() {
    let host = Host::start("walltime").await;
    abandon(&host, "/caller/sleep?600000").await;
    host.runs(0).await;
    assert_eq!(host.get("/caller/echo?back").await.expect(200), "back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_its_caller_forgets_leaves_nothing_behind() {
    let host = Host::start("walltime").await;
    for _ in 0..20 {
        assert_eq!(host.get("/caller/forgetful?300").await.expect(200), "forgotten");
    }
    host.runs(0).await;
    assert_eq!(host.get("/caller/echo?back").await.expect(200), "back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_stops_waiting_at_its_own_deadline() {
    let host = Host::start("walltime").await;
    let answer = host.get("/caller/impatient?150").await;
    assert!(
        answer.took >= Duration::from_millis(150) && answer.took < Duration::from_millis(150) + SLACK,
        "{:?}",
        answer.took
    );
    assert_eq!(answer.expect(502), "component `callee` did not answer in time");
    assert_eq!(host.get("/caller/echo?alive").await.expect(200), "alive");
}

/// So many clients ask and close the connection while they wait; the first ones when their requests run.
async fn abandon(host: &Host, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut connections = Vec::new();
    for _ in 0..ABANDONED {
        let mut connection = host.connect().await;
        connection.write(&request).await;
        connections.push(connection);
    }
    eventually("requests run", || host.runtime.running() > 1).await;
    drop(connections);
}
