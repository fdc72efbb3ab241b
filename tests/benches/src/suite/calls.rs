//! What one call between components costs: linked at run time, composed statically, and by HTTP to `*.spin.internal`.
//!
//! A request that makes a hundred calls, less a request that makes none: what is left is the calls'.

use std::sync::Arc;

use tempfile::TempDir;

use super::{Bench, hello::get};
use crate::load::Requests;
use crate::report::Report;
use crate::rounds::{Load, Slots, Subject};
use crate::server::Server;
use crate::statistics::{Estimate, median};

/// So many that the request around them hardly counts, so few that a request takes milliseconds.
const CALLS: u32 = 100;

/// As for hello: a server at work, several requests at once.
const CONNECTIONS: usize = 16;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let states = [bench.state()?, bench.state()?];
    let [linked, composed] = start(bench, &states)?;
    let busy = round(bench, &linked, &composed, Load::Connections(CONNECTIONS))?;
    report.control("calls", Estimate::of_ratio(&busy.control, &busy.linked));
    cpu(report, "16 connections", &busy, ["≤ 2.5", "≤ 0.5"]);
    let alone = round(bench, &linked, &composed, Load::Connections(1))?;
    cpu(report, "1 connection", &alone, ["printed", "printed"]);
    let wall =
        format!("{} · {} · {} µs", shown(&alone.wall_linked), shown(&alone.wall_composed), shown(&alone.wall_http));
    report.add("calls: time per call, 1 connection: linked · composed · HTTP", wall, "—");
    Ok(())
}

/// Per call and round, in microseconds; server CPU unless it says wall.
struct Costs {
    linked: Vec<f64>,
    /// The same again.
    control: Vec<f64>,
    composed: Vec<f64>,
    http: Vec<f64>,
    wall_linked: Vec<f64>,
    wall_composed: Vec<f64>,
    wall_http: Vec<f64>,
}

/// With links, and without: then the callee is inside of the caller's component.
fn start(bench: &Bench, states: &[TempDir; 2]) -> anyhow::Result<[Server; 2]> {
    let [linked, composed] = states;
    let manifest = bench.root.join("tests/benches/calls/spin.toml");
    let mut without_links = bench.platform(&manifest, composed.path(), &[])?;
    without_links.arg("--no-links");
    Ok([
        bench.start("kobliat, linked", bench.platform(&manifest, linked.path(), &[])?)?,
        bench.start("kobliat, composed", without_links)?,
    ])
}

fn round(bench: &Bench, linked: &Server, composed: &Server, load: Load) -> anyhow::Result<Costs> {
    let [none, typed, http] = ["/none".to_owned(), format!("/typed?{CALLS}"), format!("/http?{CALLS}")].map(asking);
    let of = |server, requests| Subject { server, requests };
    let subjects = [
        of(linked, &none),
        of(linked, &typed),
        of(linked, &typed),
        of(linked, &http),
        of(composed, &none),
        of(composed, &typed),
    ];
    let slots = bench.runtime.block_on(bench.rounds().run(&subjects, load))?;
    anyhow::ensure!(slots.iter().all(|slots| slots.failed == 0), "requests failed");
    let [bare, linked, control, http, bare_composed, composed] = slots.as_slice() else {
        anyhow::bail!("a slot per subject")
    };
    Ok(Costs {
        linked: cpu_of(linked, bare),
        control: cpu_of(control, bare),
        composed: cpu_of(composed, bare_composed),
        http: cpu_of(http, bare),
        wall_linked: wall_of(linked, bare),
        wall_composed: wall_of(composed, bare_composed),
        wall_http: wall_of(http, bare),
    })
}

fn asking(path: String) -> Requests {
    Arc::new(move |_| get(&path))
}

fn cpu_of(calling: &Slots, bare: &Slots) -> Vec<f64> {
    per_call(&calling.cpu_micros, &bare.cpu_micros, CALLS)
}

fn wall_of(calling: &Slots, bare: &Slots) -> Vec<f64> {
    per_call(&calling.p50, &bare.p50, CALLS).into_iter().map(|millis| millis * 1000.0).collect()
}

/// What is left for each of the calls when the request around them is taken off, round by round.
pub(super) fn per_call(calling: &[f64], bare: &[f64], calls: u32) -> Vec<f64> {
    calling.iter().zip(bare).map(|(calling, bare)| (calling - bare) / f64::from(calls)).collect()
}

fn cpu(report: &mut Report, load: &str, costs: &Costs, targets: [&str; 2]) {
    let Costs { linked, composed, http, .. } = costs;
    let each = format!("{} · {} · {} µs", shown(linked), shown(composed), shown(http));
    report.add(format!("calls: server CPU per call, {load}: linked · composed · HTTP"), each, "—");
    let [to_composed, to_http] = targets;
    let ratio = Estimate::of_ratio(linked, composed);
    report.ratio(format!("calls: CPU, {load}: linked ÷ composed"), ratio, to_composed);
    let ratio = Estimate::of_ratio(linked, http);
    report.ratio(format!("calls: CPU, {load}: linked ÷ HTTP"), ratio, to_http);
}

fn shown(micros: &[f64]) -> String {
    format!("{:.1}", median(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_around_the_calls_is_taken_off() {
        assert_eq!(per_call(&[1050.0, 560.0], &[50.0, 60.0], 100), vec![10.0, 5.0]);
    }
}
