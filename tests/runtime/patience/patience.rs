//! Clients that do not send, do not read, or only hold a connection: others are served, and each is given up in time.

mod slow;

use crate::support::client::Connection;
use crate::support::host::{Host, Start, application, eventually};
use slow::{Never, Slow2};

/// More than a component has places and a queue for.
const MANY: usize = 600;

/// Starts as many requests of HTTP/1.1 that go no further than `head`.
async fn slow_1(host: &Host, count: usize, head: &str) -> Vec<Connection> {
    let mut slow = Vec::new();
    for _ in 0..count {
        let mut connection = host.connect().await;
        connection.write(head).await;
        slow.push(connection);
    }
    slow
}

fn deadlines(kobliat_toml: &str) -> (Start, tempfile::TempDir) {
    let (start, folder) = application(
        "spin_manifest_version = 2\n[application]\nname = \"deadlines\"\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"misbehave\"\n\
         [component.misbehave]\nsource = \"GUESTS/misbehave.wasm\"\n",
    );
    std::fs::write(folder.path().join("kobliat.toml"), format!("[http]\n{kobliat_toml}")).unwrap();
    (start, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_never_come_take_no_place() {
    let host = Start::behaviour("patience").alone().start().await;
    let head = "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    let _first = slow_1(&host, MANY, head).await;
    let mut second = Vec::new();
    for _ in 0..3 {
        let mut connection = Slow2::connect(host.runtime.address()).await;
        for _ in 0..MANY / 3 {
            connection.post("/length", Never::after("")).await;
        }
        second.push(connection);
    }
    // Theirs are all on their way before this one.
    host.get("/ok").await.expect(200);
    assert_eq!(host.post("/length", "four").await.expect(200), "4");
    assert_eq!(host.runtime.running(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_parts_take_no_place_where_a_body_is_awaited_whole() {
    let host = Start::behaviour("patience").alone().start().await;
    let head = "POST /whole/length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let _first = slow_1(&host, MANY, head).await;
    let mut second = Slow2::connect(host.runtime.address()).await;
    for _ in 0..200 {
        second.post("/whole/length", Never::after("first")).await;
    }
    assert_eq!(host.post("/whole/length", "four").await.expect(200), "4");
    assert_eq!(host.runtime.running(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_gives_its_place_to_whom_needs_it() {
    let host = Start::behaviour("patience").alone().start().await;
    let head = "POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let slow = slow_1(&host, 192, head).await;
    host.runs(192).await;
    assert_eq!(host.post("/length", "four").await.expect(200), "4");
    // One of them hears of it.
    let mut answers = tokio::task::JoinSet::new();
    for mut connection in slow {
        answers.spawn(async move { connection.rest().await });
    }
    let answer = answers.join_next().await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timed_out"), "{answer}");
    assert!(host.runtime.running() >= 190, "the others stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_read_hold_no_instance() {
    let host = Start::behaviour("patience").alone().start().await;
    let mut unread = Vec::new();
    for _ in 0..3 {
        let mut connection = Slow2::connect(host.runtime.address()).await;
        for _ in 0..64 {
            connection.get("/big-response?20000").await;
        }
        unread.push(connection);
    }
    host.runs(0).await;
    host.get("/ok").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_too_long_to_hold_give_their_places_to_whom_needs_them() {
    let host = Start::behaviour("patience").alone().start().await;
    let mut unread = Vec::new();
    for _ in 0..3 {
        let mut connection = Slow2::connect(host.runtime.address()).await;
        for _ in 0..100 {
            connection.get("/big-response?100000000").await;
        }
        unread.push(connection);
    }
    host.get("/ok").await.expect(200);
    assert_eq!(host.post("/length", "four").await.expect(200), "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_gives_its_place_to_whom_needs_it() {
    let host = Host::start("patience").await;
    let mut connection = host.connect().await;
    connection.write("GET /single/big-response?100000000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    connection.read_until("xxxx").await;
    assert_eq!(host.get("/single/ok").await.expect(200), "ok");
    assert!(!connection.rest().await.ends_with("0\r\n\r\n"), "half an answer does not look whole");
}

/// Time is what these are about, so it passes here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_refused_in_time() {
    let (start, _folder) = deadlines("body_timeout_ms = 200\n");
    let host = start.start().await;
    for (head, body) in [
        ("content-length: 10", ""),
        ("content-length: 10", "123"),
        ("transfer-encoding: chunked", ""),
        ("transfer-encoding: chunked", "5\r\nfirst\r\n"),
        ("content-length: 10\r\nexpect: 100-continue", ""),
    ] {
        let answer = host.raw(format!("POST /length HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{body}")).await;
        let answer = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&answer).to_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{head}, {body}: {answer}");
        assert!(answer.contains("connection: close") && answer.contains("\"code\":\"request_timed_out\""), "{answer}");
    }
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_drops_has_a_least_rate() {
    let (start, _folder) = deadlines("body_timeout_ms = 200\nmin_bytes_per_second = 100\n");
    let host = start.start().await;
    let mut connection = host.connect().await;
    connection.write("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n").await;
    let mut drops = 0;
    while connection.try_write("x").await && drops < 1000 {
        drops += 1;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(connection.rest().await.starts_with("HTTP/1.1 408"), "after {drops} bytes at 50 a second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_left_unread_is_given_up_in_time() {
    let (start, _folder) = deadlines("reader_timeout_ms = 300\n");
    let host = start.start().await;
    let mut connection = host.connect().await;
    connection.write("GET /big-response?100000000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    connection.read_until("xxxx").await;
    host.runs(0).await;
    assert!(!connection.rest().await.ends_with("0\r\n\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_make_room() {
    let (start, _folder) = deadlines("max_connections = 20\n");
    let host = start.start().await;
    let mut idle = Vec::new();
    for number in 0..60 {
        idle.push(host.connect().await);
        if number % 10 == 9 {
            let answer = host.raw("GET /ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "beside {number}: {answer}");
        }
    }
    // The oldest have gone.
    assert_eq!(idle[0].rest().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_worked_for_stays() {
    let (start, _folder) = deadlines("max_connections = 4\n");
    let host = start.start().await;
    let mut busy = host.connect().await;
    busy.write("GET /sleep?1500 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    host.runs(1).await;
    for _ in 0..20 {
        drop(host.raw("GET /ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await);
        let _idle = host.connect().await;
    }
    assert!(busy.rest().await.contains("slept"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_fill_the_memory_make_room_for_the_next() {
    let (start, _folder) = deadlines("buffer_mib = 8\n");
    let host = start.start().await;
    // A client may have 2 MiB of 8: 40 bodies of 60 KiB do not fit.
    let part = format!("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 65000\r\n\r\n{}", "x".repeat(60_000));
    let mut slow = slow_1(&host, 40, &part).await;
    assert!(slow[0].rest().await.starts_with("HTTP/1.1 503"), "the oldest makes room");
    assert_eq!(host.post("/length", "y".repeat(64_000)).await.expect(200), "64000");
    let last = slow.last_mut().unwrap();
    last.write("x".repeat(5000)).await;
    assert!(last.read_until("65000").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_deployment_may_not_say_is_refused_at_start() {
    for (line, key) in [
        ("max_connections = 100000000", "max_connections"),
        ("trusted_proxies = [\"proxy.example\"]", "proxy.example"),
        ("client_share_percent = 0", "client_share_percent"),
    ] {
        let (start, _folder) = deadlines(line);
        let reason = start.refusal().await;
        assert!(reason.contains(key), "{reason}");
    }
    let (start, _folder) = application(
        "spin_manifest_version = 2\n[application]\nname = \"x\"\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"m\"\n\
         [component.m]\nsource = \"GUESTS/misbehave.wasm\"\n[component.m.tool.kobliat]\nlimits = { buffer = \"1GiB\" }\n",
    );
    let reason = start.refusal().await;
    assert!(reason.contains("1KiB to 8MiB"), "{reason}");
}

/// The clients that have gone are forgotten, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_that_go_leave_nothing_behind() {
    let host = Host::start("patience").await;
    let head = "POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let slow = slow_1(&host, 30, head).await;
    host.runs(30).await;
    drop(slow);
    host.runs(0).await;
    eventually("others are served", || host.runtime.running() == 0).await;
    assert_eq!(host.post("/length", "four").await.expect(200), "4");
}
