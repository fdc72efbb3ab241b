//! Too many requests are turned away politely, and calls between components never wait for those who wait for them.

use std::time::Duration;

use crate::support::host::Host;

/// Calls between components may nest so deep.
const DEPTH: u32 = 8;

/// Far from the 30 s after which a deadlock would end.
const NO_DEADLOCK: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_finds_no_room_is_told_to_come_back_and_the_rest_is_served() {
    let host = Host::start("admission").await;
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let client = (*host).clone();
            tokio::spawn(async move { client.get("/narrow/sleep?300").await })
        })
        .collect();
    let (mut served, mut refused) = (0, 0);
    for request in requests {
        let answer = request.await.unwrap();
        match answer.status.as_u16() {
            200 => served += 1,
            503 => {
                assert_eq!(answer.header("retry-after"), Some("1"));
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(served >= 4, "what runs and what waits is served, at least what runs: {served}");
    assert!(refused > 0, "50 requests do not fit into four places and a queue of three");
    host.get("/narrow/ok").await.expect(200);
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_queue_what_can_run_is_served_and_the_next_is_turned_away() {
    let host = Host::start("admission").await;
    host.get("/strict/ok").await.expect(200);
    let running = [host.started("/strict/sleep?500", 1).await, host.started("/strict/sleep?500", 2).await];
    host.get("/strict/ok").await.expect(503);
    for request in running {
        request.await.unwrap().expect(200);
    }
    host.get("/strict/ok").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_share_an_instance_as_far_as_its_concurrency_goes() {
    let host = Host::start("admission").await;
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let client = (*host).clone();
            tokio::spawn(async move { client.get("/caller/sleep?100").await })
        })
        .collect();
    // Eight callers in their one instance, one call in the callee's only place.
    host.runs(9).await;
    assert_eq!(host.runtime.instances(), 2);
    for request in requests {
        assert_eq!(request.await.unwrap().expect(200), "100");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_calls_in_a_circle_find_their_places() {
    let host = Host::start("admission").await;
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let client = (*host).clone();
            tokio::spawn(async move { client.get("/ping/relay?7").await })
        })
        .collect();
    for request in requests {
        let answer = request.await.unwrap();
        assert!(answer.took < NO_DEADLOCK, "{:?}", answer.took);
        assert_eq!(answer.expect(200), "7");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_calls_end_at_the_greatest_depth() {
    let host = Host::start("admission").await;
    let answer = host.get("/ping/relay?100").await;
    assert!(answer.took < NO_DEADLOCK);
    let reason = answer.expect(502);
    assert!(reason.ends_with("was not called: calls between components are nested too deeply"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_asks_itself_ends_at_the_greatest_depth() {
    let host = Host::start("admission").await;
    let dives: Vec<_> = (0..10)
        .map(|_| {
            let client = (*host).clone();
            tokio::spawn(async move { client.get("/dive/dive").await })
        })
        .collect();
    for dive in dives {
        let answer = dive.await.unwrap();
        assert!(answer.took < NO_DEADLOCK, "{:?}", answer.took);
        assert_eq!(answer.expect(200), DEPTH.to_string());
    }
}
