//! What the host holds for a guest is bounded as the guest's own memory is: it is answered or ended, and its neighbours go on.

use crate::support::host::{Host, Start};

/// The least that the host holds for any instance.
const ALLOWANCE: &str = "8388608 bytes";

/// What the process may have more at its peak than before: far more than the allowance, far less than the guests ask for.
const SLACK: usize = 192 << 20;

async fn start() -> Host {
    let host = Start::behaviour("held").alone().start().await;
    // All that is made once is there.
    for path in ["/greedy/ok", "/neighbour/ok"] {
        host.get(path).await.expect(200);
    }
    host
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_fields_in_handles_end_the_instance() {
    let host = start().await;
    let before = peak();
    for _ in 0..3 {
        // 600 MB.
        host.get("/greedy/fields?10000").await.expect(500);
        assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
    }
    assert_bounded(before);
    assert_eq!(host.get("/greedy/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_nobody_reads_are_an_error_of_the_interface() {
    let host = start().await;
    for _ in 0..2 {
        let told = host.get("/greedy/rows").await.expect(200);
        let (unread, why) = told.split_once(' ').unwrap();
        assert!((4..=8).contains(&unread.parse::<u32>().unwrap()) && why.contains(ALLOWANCE), "{told}");
        assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_wants_the_hosts_memory_is_an_error_of_the_interface() {
    let host = start().await;
    let before = peak();
    let told = host.get("/greedy/sort").await.expect(200);
    assert!(told.contains("needs more than 8388608 bytes of memory"), "{told}");
    assert_bounded(before);
    assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_end_are_refused_by_the_interfaces_error() {
    let host = start().await;
    let told = host.get("/greedy/requests?200").await.expect(200);
    let refused: u32 = told.split(' ').next().unwrap().parse().unwrap();
    // 8 MiB, and an exchange is counted with 384 KiB.
    assert!((150..=190).contains(&refused), "{told}");
    // What they held is free again.
    assert_eq!(host.get("/greedy/requests?20").await.expect(200), "0 of 20");
}

fn assert_bounded(before: usize) {
    let grown = peak() - before;
    assert!(grown < SLACK, "the host had {} MiB more", grown >> 20);
}

/// The most that this process ever had in memory.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
