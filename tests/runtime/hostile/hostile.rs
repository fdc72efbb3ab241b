//! Guests and clients that mean harm: each gets its answer or its end, the neighbours are served, and nothing is left.

use crate::support::host::{Host, Start, application, eventually};
use crate::support::wit;

const MODULE_WIT: &str = include_str!("../handlers/module.wit");

/// What a host may have more after everything than before; pools keep some memory warm.
const SLACK: usize = 64 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_cost_their_own_instance() {
    let host = Start::behaviour("hostile").alone().start().await;
    let bombs = ["loop", "hoard", "recurse?4000000000", "handles", "trap", "headers?100000", "half-a-response"];
    let mut before = None;
    for round in 0..4 {
        for bomb in bombs {
            let answer = host.raw(request(&format!("/hostile/{bomb}"))).await;
            let failed = answer.starts_with("HTTP/1.1 500") || !answer.ends_with("0\r\n\r\n");
            assert!(failed, "{bomb}: {answer}");
            assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok", "after {bomb}");
        }
        host.runs(0).await;
        if round == 0 {
            before = Some(memory());
        }
    }
    let grown = memory().saturating_sub(before.unwrap());
    assert!(grown < SLACK, "the host has {} MiB more", grown >> 20);
    assert_eq!(host.get("/hostile/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_after_the_answer_takes_nothing_back() {
    let host = Host::start("hostile").await;
    assert_eq!(host.get("/hostile/panic-afterwards").await.expect(200), "answered");
    eventually("it panicked", || crate::support::host::log().contains("component `hostile` died")).await;
    assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
    host.runs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_end_ends_with_its_reader() {
    let host = Host::start("hostile").await;
    for _ in 0..5 {
        let mut connection = host.connect().await;
        connection.write(request("/hostile/endless")).await;
        connection.read_until("xxxxxxxx").await;
        drop(connection);
        assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
    }
    host.runs(0).await;
    assert_eq!(host.get("/hostile/ok").await.expect(200), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_are_not_read_to_it() {
    let host = Host::start("hostile").await;
    let mut endless = String::from("GET /neighbour/ok HTTP/1.1\r\nhost: x\r\n");
    for number in 0..4_000 {
        endless.push_str(&format!("x-{number}: {number}\r\n"));
    }
    let answer = host.raw(endless).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
}

/// Modules that do harm before any request reaches them, or with what no compiler makes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_up_loops_and_table_bombs_cost_their_own_instance() {
    let modules = [
        ("looper", "(func $harm (loop $again (br $again))) (start $harm)", ""),
        (
            "tables",
            "(table 1 funcref) (func $harm (drop (table.grow (ref.null func) (i32.const 50000000))))",
            "(call $harm) unreachable",
        ),
    ];
    for (id, harm, in_handler) in modules {
        let (start, folder) = application(&format!(
            "spin_manifest_version = 2\napplication = {{ name = \"hostile\" }}\n\
             [[trigger.http]]\nroute = \"/{id}\"\ncomponent = \"{id}\"\n[[trigger.http]]\nroute = \"/neighbour/...\"\ncomponent = \"neighbour\"\n\
             [component.neighbour]\nsource = \"GUESTS/misbehave.wasm\"\n[component.{id}]\nsource = \"{id}.wasm\"\n\
             [component.{id}.tool.kobliat]\nlimits = {{ cpu_ms = 300, memory = \"1MiB\" }}\n"
        ));
        let text = format!(
            "(module (memory (export \"memory\") 1) {harm}\n\
             (func (export \"wasi:http/incoming-handler@0.2.0#handle\") (param i32 i32) {in_handler}))"
        );
        std::fs::write(folder.path().join(format!("{id}.wasm")), wit::core_module(&text, MODULE_WIT)).unwrap();
        let host = start.alone().start().await;
        for _ in 0..2 {
            host.get(&format!("/{id}")).await.expect(500);
            assert_eq!(host.get("/neighbour/ok").await.expect(200), "ok");
        }
        eventually("no instance of it", || host.runtime.instances() <= 1).await;
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

/// Bytes of this process in memory.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
