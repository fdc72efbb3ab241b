//! Hello: components of WASI 0.3 and 0.2 without capabilities, against `wasmtime serve` (where installed) and bare hyper.

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
use crate::rounds::{Load, Slots, Subject};
use crate::statistics::{Estimate, median};

const CONNECTIONS: usize = 16;

const SERVE_TARGET: &str = "≥ 1.0 (lower bound)";

/// A component, and the path at which it says hello.
struct Hello {
    what: &'static str,
    wasm: &'static str,
    path: &'static str,
    /// What `wasmtime serve` is told, so that it can run it.
    flags: &'static [&'static str],
}

const HELLOS: [Hello; 2] = [
    Hello { what: "hello", wasm: "hello", path: "/", flags: &["-Scli", "-Sp3", "-Wcomponent-model-async"] },
    Hello { what: "hello 0.2", wasm: "wasi_02", path: "/served", flags: &["-Scli"] },
];

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    HELLOS.iter().try_for_each(|hello| hello.measure(bench, report))
}

impl Hello {
    fn measure(&self, bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
        let state = bench.state()?;
        let wasm = bench.root.join(format!("target/guests/wasm32-wasip2/release/{}.wasm", self.wasm));
        let manifest = state.path().join("spin.toml");
        fs::write(&manifest, manifest_of(&wasm))?;
        let ours = bench.start("kobliat", bench.platform(&manifest, &state.path().join("state"), &[])?)?;
        let hyper = bench.start("hyper", bench.native(&["serve-hello"])?)?;
        let program = &bench.run.wasmtime;
        let serve = is_installed(program).then(|| bench.start("wasmtime serve", self.wasmtime_serve(program, &wasm)));
        let serve = serve.transpose()?;
        let path = self.path;
        let requests: Requests = Arc::new(move |_| get(path));
        let mut servers = vec![&ours, &ours, &hyper];
        servers.extend(&serve);
        let subjects: Vec<_> = servers.into_iter().map(|server| Subject { server, requests: &requests }).collect();
        let slots = bench.runtime.block_on(bench.rounds().run(&subjects, Load::Connections(CONNECTIONS)))?;
        self.report(report, &slots)
    }

    fn report(&self, report: &mut Report, slots: &[Slots]) -> anyhow::Result<()> {
        let [a, control, native, ..] = slots else { anyhow::bail!("a slot per server") };
        let what = self.what;
        report.control(what, Estimate::of_ratio(&control.per_second, &a.per_second));
        let rate = format!("{:.0}", median(&a.per_second));
        report.add(format!("{what}: requests per second, 16 connections"), rate, "—");
        report.add(format!("{what}: server CPU per request"), format!("{:.1} µs", median(&a.cpu_micros)), "—");
        let limit = Estimate::of_ratio(&a.per_second, &native.per_second);
        report.ratio(format!("{what}: throughput ÷ bare hyper"), limit, "printed");
        let against = format!("{what}: throughput ÷ wasmtime serve");
        match slots.get(3) {
            Some(serve) => {
                report.ratio(against, Estimate::of_ratio(&a.per_second, &serve.per_second), SERVE_TARGET);
                let cpu = Estimate::of_ratio(&a.cpu_micros, &serve.cpu_micros);
                report.ratio(format!("{what}: server CPU ÷ wasmtime serve's"), cpu, "printed");
            }
            None => report.add(against, "wasmtime is not installed", SERVE_TARGET),
        }
        report.ratio(format!("{what}: p99 ÷ p50, 16 connections"), Estimate::of_ratio(&a.p99, &a.p50), "≤ 3");
        anyhow::ensure!(slots.iter().all(|slots| slots.failed == 0), "requests failed");
        Ok(())
    }

    fn wasmtime_serve(&self, program: &Path, wasm: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("serve").args(self.flags).args(["--addr", "127.0.0.1:0"]).arg(wasm);
        command
    }
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

fn is_installed(program: &Path) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
