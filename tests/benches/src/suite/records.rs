//! Stores and databases: one read or one durable write a request, against the native twin with group commit.

use std::sync::Arc;

use super::{Bench, hello::get};
use crate::load::{Connection, Requests};
use crate::report::Report;
use crate::rounds::{Load, Slots, Subject};
use crate::server::Server;
use crate::statistics::{Estimate, median};

/// As many as share a commit.
const CONNECTIONS: usize = 64;

const OPERATIONS: [(&str, &str); 4] = [
    ("key-value get", "/kv/get"),
    ("key-value set, durable", "/kv/set"),
    ("SQLite point read", "/sql/read"),
    ("SQLite insert, durable", "/sql/insert"),
];

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let states = [bench.state()?, bench.state()?];
    let [ours, twin] = &states;
    let manifest = bench.root.join("tests/runtime/records/spin.toml");
    let ours = bench.start("kobliat", bench.platform(&manifest, ours.path(), &[])?)?;
    let mut native = bench.native(&["serve-records", "--dir"])?;
    native.arg(twin.path());
    let twin = bench.start("twin", native)?;
    for server in [&ours, &twin] {
        bench.runtime.block_on(Connection::to(server.address).send(get("/setup")))?;
    }
    bench.disk(report, "before records")?;
    OPERATIONS.into_iter().try_for_each(|(what, path)| operation(bench, report, [&ours, &twin], what, path))
}

fn operation(
    bench: &Bench,
    report: &mut Report,
    servers: [&Server; 2],
    what: &str,
    path: &'static str,
) -> anyhow::Result<()> {
    let requests: Requests = Arc::new(move |number| get(&format!("{path}?{number}")));
    let [ours, twin] = servers.map(|server| Subject { server, requests: &requests });
    let load = Load::Connections(CONNECTIONS);
    let slots = bench.runtime.block_on(bench.rounds().run(&[ours, ours, twin], load))?;
    let [a, control, native] = slots.as_slice() else { anyhow::bail!("a slot per server") };
    report.control(&format!("records: {what}"), Estimate::of_ratio(&control.per_second, &a.per_second));
    let both = |of: fn(&Slots) -> &Vec<f64>| format!("{:.0} · {:.0}", median(of(a)), median(of(native)));
    report.add(format!("records: {what}, per second: ours · twin"), both(|slots| &slots.per_second), "—");
    report.add(format!("records: {what}, server CPU: ours · twin"), both(|slots| &slots.cpu_micros) + " µs", "—");
    let ratio = Estimate::of_ratio(&a.per_second, &native.per_second);
    report.ratio(format!("records: {what}, throughput ÷ twin"), ratio, "≥ 0.6");
    anyhow::ensure!(slots.iter().all(|slots| slots.failed == 0), "requests failed");
    Ok(())
}
