//! Bodies flow both ways while they are made, and no faster than the other side takes them.

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
