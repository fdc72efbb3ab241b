//! Hello: a WASI 0.3 component without capabilities, against `wasmtime serve` (where installed) and bare hyper.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::Bench;
use crate::load::Requests;
use crate::report::Report;
use crate::rounds::{Load, Subject};
use crate::statistics::{Estimate, median};

const CONNECTIONS: usize = 16;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let state = bench.state()?;
    let wasm = bench.root.join("target/guests/wasm32-wasip2/release/hello.wasm");
    let manifest = state.path().join("spin.toml");
    fs::write(&manifest, manifest_of(&wasm))?;
    let ours = bench.start("kobliat", bench.platform(&manifest, &state.path().join("state"), &[])?)?;
    let hyper = bench.start("hyper", bench.native(&["serve-hello"])?)?;
    let wasmtime =
        if is_installed("wasmtime") { Some(bench.start("wasmtime serve", wasmtime_serve(&wasm))?) } else { None };
    let requests: Requests = Arc::new(|_| get("/"));
    let mut servers = vec![&ours, &ours, &hyper];
    servers.extend(&wasmtime);
    let subjects: Vec<_> = servers.into_iter().map(|server| Subject { server, requests: &requests }).collect();
    let slots = bench.runtime.block_on(bench.rounds().run(&subjects, Load::Connections(CONNECTIONS)))?;
    let [a, control, native, ..] = slots.as_slice() else { anyhow::bail!("a slot per server") };
    report.control("hello", Estimate::of_ratio(&control.per_second, &a.per_second));
    report.add("hello: requests per second, 16 connections", format!("{:.0}", median(&a.per_second)), "—");
    report.add("hello: server CPU per request", format!("{:.1} µs", median(&a.cpu_micros)), "—");
    report.ratio("hello: throughput ÷ bare hyper", Estimate::of_ratio(&a.per_second, &native.per_second), "printed");
    match slots.get(3) {
        Some(serve) => {
            let ratio = Estimate::of_ratio(&a.per_second, &serve.per_second);
            report.ratio("hello: throughput ÷ wasmtime serve", ratio, "≥ 0.95 (lower bound)");
        }
        None => report.add("hello: throughput ÷ wasmtime serve", "wasmtime is not installed", "≥ 0.95 (lower bound)"),
    }
    let spread = Estimate::of_ratio(&a.p99, &a.p50);
    report.ratio("hello: p99 ÷ p50, 16 connections", spread, "≤ 3");
    anyhow::ensure!(slots.iter().all(|slots| slots.failed == 0), "requests failed");
    Ok(())
}

fn manifest_of(wasm: &Path) -> String {
    format!(
        "spin_manifest_version = 2\n[application]\nname = \"hello\"\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"hello\"\n\
         [component.hello]\nsource = {:?}\n",
        wasm.display().to_string()
    )
}

pub fn get(path: &str) -> Request<Full<Bytes>> {
    // Literal parts, so they are always valid.
    Request::get(path).header("host", "127.0.0.1").body(Full::default()).expect("a valid request")
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn wasmtime_serve(wasm: &Path) -> Command {
    let mut command = Command::new("wasmtime");
    command.args(["serve", "-Scli,p3", "-Wcomponent-model-async", "--addr", "127.0.0.1:0"]).arg(wasm);
    command
}
