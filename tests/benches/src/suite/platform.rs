//! The platform at rest: memory, and how long from exec to the first answer.

use std::thread;
use std::time::{Duration, Instant};

use super::{Bench, hello::get};
use crate::load::Connection;
use crate::report::Report;
use crate::server::Server;

/// After which nothing of the start is still going on.
const REST: Duration = Duration::from_secs(5);

/// Starts with a warm cache; the median counts.
const STARTS: usize = 5;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let state = bench.state()?;
    // The first start compiles the components into the cache.
    drop(start(bench, state.path())?);
    let mut times = Vec::with_capacity(STARTS);
    let mut resident = 0;
    for number in 1..=STARTS {
        let (server, took) = start(bench, state.path())?;
        times.push(took);
        if number == STARTS {
            thread::sleep(REST);
            resident = server.resident()?;
        }
    }
    times.sort();
    let median = times.get(STARTS / 2).copied().unwrap_or_default();
    report.add("platform: exec to first 200, warm cache, p50", format!("{} ms", median.as_millis()), "≤ 1000 ms");
    report.add(
        "platform: resident at rest, after its first request",
        format!("{} MB", resident / 1_000_000),
        "≤ 150 MB",
    );
    Ok(())
}

fn start(bench: &Bench, state: &std::path::Path) -> anyhow::Result<(Server, Duration)> {
    let started = Instant::now();
    let server = bench.start("kobliat", bench.platform(&bench.root.join("spin.toml"), state, &[])?)?;
    bench.runtime.block_on(Connection::to(server.address).send(get("/health")))?;
    Ok((server, started.elapsed()))
}
