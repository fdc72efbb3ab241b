//! A crash costs the requests in the instance that crashed, and nobody else.

use std::time::Duration;

use crate::support::host::{Host, Start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_ends_the_requests_of_its_instance_and_the_next_is_served() {
    let host = Host::start("traps").await;
    let sibling = host.started("/shared/sleep?20000", 1).await;
    host.get("/shared/trap").await.expect(500);
    let sibling = sibling.await.unwrap();
    assert!(sibling.took < Duration::from_secs(15), "told at once, not when it would have ended");
    sibling.expect(500);
    assert_eq!(host.get("/shared/ok").await.expect(200), "ok");
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_spares_the_other_instances() {
    let host = Host::start("traps").await;
    let sibling = host.started("/alone/sleep?500", 1).await;
    host.get("/alone/trap").await.expect(500);
    assert_eq!(sibling.await.unwrap().expect(200), "slept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_recursion_is_a_trap() {
    let host = Host::start("traps").await;
    assert_eq!(host.get("/shared/recurse?100").await.expect(200), "100");
    host.get("/shared/recurse?4000000000").await.expect(500);
    assert_eq!(host.get("/shared/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hoarder_gets_no_more_than_its_limit() {
    let host = Start::behaviour("traps").alone().start().await;
    assert_eq!(host.get("/shared/hold?8").await.expect(200), (8 << 20).to_string());
    let before = forget_peak();
    for _ in 0..5 {
        host.get("/shared/hoard").await.expect(500);
        host.get("/caller/hoard").await.expect(502);
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < 96 << 20, "the host grew by {} MiB", grown >> 20);
    assert_eq!(host.get("/shared/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_can_not_start_harms_itself_only() {
    let host = Host::start("traps").await;
    for _ in 0..3 {
        host.get("/unstartable/ok").await.expect(500);
    }
    assert_eq!(host.get("/shared/ok").await.expect(200), "ok");
    let reason = host.get("/hopeless/echo?x").await.expect(502);
    assert!(reason.starts_with("component `stillborn` could not be started"), "{reason}");
    assert_eq!(host.get("/hopeless/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_of_a_trap_learns_it_and_lives() {
    let host = Host::start("traps").await;
    let sibling = host.started("/caller/sleep?500", 2).await;
    let reason = host.get("/caller/trap").await.expect(502);
    assert!(reason.starts_with("component `callee` crashed"), "{reason}");
    assert_eq!(sibling.await.unwrap().expect(200), "500", "shares the caller's instance, not the callee's");
    assert_eq!(host.get("/caller/echo?alive").await.expect(200), "alive");
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_answer_never_looks_like_a_whole_one() {
    let host = Host::start("traps").await;
    let answer = host.raw("GET /alone/half-a-response HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("half"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "it must end without the last chunk: {answer}");
}

/// Bytes in memory now; from here on [`peak`] counts.
fn forget_peak() -> usize {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    status("VmRSS:")
}

fn peak() -> usize {
    status("VmHWM:")
}

fn status(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
