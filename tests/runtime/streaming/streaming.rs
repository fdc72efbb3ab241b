//! Bodies flow both ways while they are made, and no faster than the other side takes them.

use std::time::Duration;

use crate::support::host::{Host, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_arrives_before_the_next_is_sent() {
    let host = Host::start("streaming").await;
    let mut connection = host.connect().await;
    connection.write("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for chunk in ["first", "secnd", "third"] {
        connection.write(format!("5\r\n{chunk}\r\n")).await;
        assert!(connection.read_until(chunk).await.ends_with(chunk));
    }
    connection.write("0\r\n\r\n").await;
    connection.read_until("0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_needs_no_large_memory() {
    let host = Host::start("streaming").await;
    let megabytes = 48 << 20;
    assert_eq!(host.get(&format!("/big-response?{megabytes}")).await.expect(200).len(), megabytes);
    assert_eq!(host.post("/echo", vec![b'y'; megabytes]).await.expect(200).len(), megabytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_nobody_reads_holds_nobody_up() {
    let host = Host::start("streaming").await;
    let answer = host.post("/ignore-body", vec![b'y'; 4 << 20]).await;
    assert_eq!(answer.expect(200), "ignored");
    assert_eq!(host.post("/nowhere", vec![b'y'; 4 << 20]).await.expect(404), "no such misbehaviour");
    assert_eq!(host.post("/.well-known/spin/health", vec![b'y'; 4 << 20]).await.expect(200), "OK");
    assert_eq!(host.post("/length", vec![b'y'; 4 << 20]).await.expect(200), (4 << 20).to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_in_the_middle_of_an_answer_leaves_nothing_behind() {
    let host = Host::start("streaming").await;
    for _ in 0..20 {
        let mut connection = host.connect().await;
        connection.write("GET /big-response?100000000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
        connection.read_until("xxxx").await;
    }
    host.runs(0).await;
    assert_eq!(host.get("/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_after_the_answer() {
    let host = Host::start("streaming").await;
    let answer = host.get("/background?200").await;
    assert_eq!(answer.expect(200), "answered");
    eventually("the work is done", || host.stdout_of("misbehave") == "worked for 200 ms after the answer\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_whose_client_has_gone_works_no_longer() {
    let host = Host::start("streaming").await;
    let mut connection = host.connect().await;
    connection.write("GET /single/sleep?600000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    host.runs(1).await;
    drop(connection);
    host.runs(0).await;
    let cancelled = "kobliat_requests_total{component=\"single\",kind=\"http\",outcome=\"cancelled\"} 1";
    eventually("it is counted", || host.runtime.metrics().text().contains(cancelled)).await;
    eventually("the instance is gone", || host.runtime.instances() == 0).await;
    host.get("/single/ok").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_costs_its_neighbours_nothing() {
    let host = Host::start("streaming").await;
    let neighbour = host.started("/sleep?500", 1).await;
    let mut connection = host.connect().await;
    connection.write("GET /sleep?600000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    host.runs(2).await;
    drop(connection);
    assert_eq!(neighbour.await.unwrap().expect(200), "slept");
    host.runs(0).await;
}

/// Time is what this is about, so it passes here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_may_take_longer_than_its_request_as_long_as_it_moves() {
    let host = Host::start("streaming").await;
    let mut connection = host.connect().await;
    connection.write("POST /brief/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for number in 10..20 {
        let chunk = format!("chunk{number}");
        connection.write(format!("7\r\n{chunk}\r\n")).await;
        assert!(connection.read_until(&chunk).await.ends_with(&chunk));
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // Nothing comes any more: what stands still is ended, and shows that it is not whole.
    host.runs(0).await;
    assert!(!connection.rest().await.ends_with("0\r\n\r\n"));
}
