//! A component that computes without end is stopped; meanwhile everybody else is served.

use std::time::{Duration, Instant};

use crate::support::host::Start;

/// What a request may take beside four loops on two threads: some slices of 10 ms, not the loops' whole time.
const BESIDE_LOOPS: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_ends_when_its_cpu_time_is_used_up() {
    let host = Start::behaviour("cpu").alone().start().await;
    let looped = host.get("/looper/loop").await;
    assert_eq!(looped.status, 500);
    assert!(looped.took >= Duration::from_millis(500), "{:?}", looped.took);
    assert!(looped.took < Duration::from_secs(3), "{:?}", looped.took);
    assert_eq!(host.get("/looper/ok").await.expect(200), "ok");
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_served_while_loops_run() {
    let host = Start::behaviour("cpu").alone().start().await;
    let loops: Vec<_> = (0..4)
        .map(|_| {
            let client = (*host).clone();
            tokio::spawn(async move { client.get("/looper/loop").await })
        })
        .collect();
    host.runs(4).await;
    let mut served = 0;
    while !loops.iter().all(|one| one.is_finished()) {
        for path in ["/looper/ok", "/neighbour/ok", "/caller/ok"] {
            let answer = host.get(path).await;
            assert!(answer.took < BESIDE_LOOPS, "{path} took {:?}", answer.took);
            assert_eq!(answer.expect(200), "ok");
        }
        served += 1;
    }
    assert!(served > 5, "only {served} rounds beside the loops");
    for one in loops {
        one.await.unwrap().expect(500);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_of_a_loop_learns_it_and_lives() {
    let host = Start::behaviour("cpu").alone().start().await;
    let began = Instant::now();
    let sibling = host.started("/caller/sleep?1500", 2).await;
    let reason = host.get("/caller/compute").await.expect(502);
    assert!(reason.starts_with("component `callee` crashed"), "{reason}");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(sibling.await.unwrap().expect(200), "1500", "shares the caller's instance, not the callee's");
    assert_eq!(host.get("/caller/echo?alive").await.expect(200), "alive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_has_the_whole_budget_however_many_an_instance_serves() {
    let host = Start::behaviour("cpu").alone().start().await;
    let instance = host.get("/sharer/instance").await.expect(200);
    // One after the other, then at once: 1.2 s each way, of 400 ms.
    for _ in 0..20 {
        assert_eq!(host.get("/sharer/compute?60").await.expect(200), "computed");
    }
    let at_once: Vec<_> = (0..20)
        .map(|_| {
            let client = (*host).clone();
            tokio::spawn(async move { client.get("/sharer/compute?60").await })
        })
        .collect();
    for one in at_once {
        assert_eq!(one.await.unwrap().expect(200), "computed");
    }
    let name = |told: &str| told.split(' ').next().unwrap().to_owned();
    assert_eq!(name(&host.get("/sharer/instance").await.expect(200)), name(&instance), "one instance did all of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_yields_often_has_no_more_than_its_budget() {
    let host = Start::behaviour("cpu").alone().start().await;
    host.get("/sharer/ok").await.expect(200);
    let before = cpu_time();
    host.get("/sharer/compute-in-turns").await.expect(500);
    let used = cpu_time() - before;
    assert!(used < Duration::from_millis(1200), "{used:?} with a budget of 400 ms");
    // Beside others of its instance, which wait: it is found among them.
    let sleeping = host.started("/sharer/sleep?20000", 1).await;
    let before = cpu_time();
    host.get("/sharer/compute-in-turns").await.expect(500);
    let used = cpu_time() - before;
    assert!(used < Duration::from_millis(1200), "{used:?} with a budget of 400 ms");
    assert_ne!(sleeping.await.unwrap().status, 200, "it shared the instance");
    assert_eq!(host.get("/sharer/ok").await.expect(200), "ok");
}

/// Of this process, all its threads.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = &stat[stat.rfind(')').unwrap()..];
    let ticks: u64 = after_name.split_whitespace().skip(12).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    // A tick of the kernel's statistics is 10 ms on every platform that we run on.
    Duration::from_millis(ticks * 10)
}
