//! A service called directly: what a read takes of the server without the gateway, by typed call and by HTTP.
//!
//! From outside nobody can call it: the host strips the headers by which it knows its caller. So a guest (`reader`) does, as often as it is told.

use std::sync::Arc;

use super::Bench;
use super::calls::per_call;
use super::hello::get;
use crate::load::Requests;
use crate::report::Report;
use crate::rounds::{Load, Subject};
use crate::statistics::median;

/// So many that the request around them hardly counts.
const READS: u32 = 50;
const CONNECTIONS: usize = 16;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let state = bench.state()?;
    let manifest = bench.root.join("tests/runtime/reads/spin.toml");
    let server = bench.start("kobliat, customer alone", bench.platform(&manifest, state.path(), &[])?)?;
    let requests = ["/none".to_owned(), format!("/typed?{READS}"), format!("/http?{READS}")].map(asking);
    let subjects = requests.each_ref().map(|requests| Subject { server: &server, requests });
    let slots = bench.runtime.block_on(bench.rounds().run(&subjects, Load::Connections(CONNECTIONS)))?;
    anyhow::ensure!(slots.iter().all(|slots| slots.failed == 0), "requests failed");
    let [bare, typed, http] = slots.as_slice() else { anyhow::bail!("a slot per subject") };
    let [typed, http] = [typed, http].map(|slots| median(&per_call(&slots.cpu_micros, &bare.cpu_micros, READS)));
    report.add(
        "api: server CPU per read of the service called directly: typed · HTTP",
        format!("{typed:.0} · {http:.0} µs"),
        "—",
    );
    Ok(())
}

fn asking(path: String) -> Requests {
    Arc::new(move |_| get(&path))
}
