//! The platform at rest: memory, and how long from exec to the first answer.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{Bench, hello::get, webhook};
use crate::load::{Connection, closed_loop};
use crate::report::Report;
use crate::server::Server;

/// After which nothing of the start is still going on.
const REST: Duration = Duration::from_secs(5);

/// Enough webhooks that every pool has grown to what it needs.
const LOAD: Duration = Duration::from_secs(5);

/// Longer than an unused instance is kept, so that memory which no longer changes is not memory that is about to be given back.
const STABLE: Duration = Duration::from_secs(15);

/// Several times what instances and allocator take to give back what they had.
const PATIENCE: Duration = Duration::from_secs(180);

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
    after_load(bench, state.path(), report)
}

/// What a platform keeps that has worked: the number that counts on a machine which is not restarted.
fn after_load(bench: &Bench, state: &Path, report: &mut Report) -> anyhow::Result<()> {
    let server = bench.start("kobliat", webhook::platform(bench, state)?)?;
    let requests = webhook::requests();
    let load = closed_loop(server.address, webhook::CONNECTIONS, LOAD, &requests, &bench.next);
    let seen = bench.runtime.block_on(load)?;
    ensure!(seen.failed == 0, "{} webhooks failed", seen.failed);
    let (at_end, resident) = (server.resident()?, at_rest(&server)?);
    report.add(
        format!("platform: resident at rest, after {} webhooks (when the last was answered)", seen.answered),
        format!("{} MB ({} MB)", resident / 1_000_000, at_end / 1_000_000),
        "≤ 150 MB",
    );
    Ok(())
}

/// Resident memory once it has been the same, to 1 %, for a while.
pub(super) fn at_rest(server: &Server) -> anyhow::Result<u64> {
    let started = Instant::now();
    let (mut resident, mut since) = (server.resident()?, Instant::now());
    while since.elapsed() < STABLE {
        ensure!(started.elapsed() < PATIENCE, "memory did not come to rest: {} MB now", resident / 1_000_000);
        thread::sleep(Duration::from_millis(250));
        let now = server.resident()?;
        if now.abs_diff(resident) * 100 > resident {
            (resident, since) = (now, Instant::now());
        }
    }
    server.resident()
}

fn start(bench: &Bench, state: &Path) -> anyhow::Result<(Server, Duration)> {
    let started = Instant::now();
    let server = bench.start("kobliat", bench.platform(&bench.root.join("spin.toml"), state, &[])?)?;
    bench.runtime.block_on(Connection::to(server.address).send(get("/health")))?;
    Ok((server, started.elapsed()))
}
