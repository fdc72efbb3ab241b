//! How long an instance lives, and the platform's own requests to it.

use crate::support::host::{Host, eventually};

/// The instance's name, and how many requests it has had.
async fn instance(host: &Host, path: &str) -> (String, u32) {
    let answer = host.get(path).await.expect(200);
    let (name, served) = answer.split_once(' ').unwrap();
    (name.to_owned(), served.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_serves_as_many_requests_as_reuse_says() {
    let host = Host::start("reuse").await;
    let mut names = Vec::new();
    for request in 0..9 {
        let (name, served) = instance(&host, "/thrice/instance").await;
        assert_eq!(served, request % 3 + 1);
        names.push(name);
    }
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_not_reused_knows_nothing_of_other_requests() {
    let host = Host::start("reuse").await;
    let (first, _) = instance(&host, "/once/instance").await;
    let (second, served) = instance(&host, "/once/instance").await;
    assert_ne!(first, second);
    assert_eq!(served, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_arrive_as_private_requests() {
    let host = Host::start("reuse").await;
    eventually("three ticks", || host.stdout_of("ticked").lines().filter(|line| *line == "tick").count() >= 3).await;
    host.get("/internal/tick").await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_finishes_what_runs() {
    let host = Host::start("reuse").await;
    let last = host.started("/thrice/sleep?500", 1).await;
    host.runtime.shutdown().await;
    assert_eq!(last.await.unwrap().expect(200), "slept");
}
