//! A start with a million waiting events. Each start is a process of its own, so that its memory is nobody else's.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kobliat_events::SqliteEngine;
use kobliat_events::clock::Clock;
use kobliat_events::engine::{Engine, Publication};
use tokio::runtime::Runtime;

use super::broker::{Bus, Notes};
use super::{Bench, event};
use crate::arguments::OpenEvents;
use crate::report::Report;

/// As many events wait when the start is measured.
const WAITING: usize = 1_000_000;

/// Then the broker is at work, and no start is left to wait for.
const HANDLED: usize = 20_000;

pub fn measure(bench: &Bench, report: &mut Report, runtime: &Runtime) -> anyhow::Result<()> {
    let (idle, full) = (bench.state()?, bench.state()?);
    runtime.block_on(fill(&full.path().join("events.db")))?;
    let (_, at_idle) = start(bench, idle.path(), 0)?;
    let (took, memory) = start(bench, full.path(), HANDLED)?;
    report.add(
        "events: start with 1 000 000 waiting, until the first is handled",
        format!("{} ms", took.as_millis()),
        "≤ 2000 ms",
    );
    let more = memory.saturating_sub(at_idle) as f64 / 1e6;
    report.add(
        format!(
            "events: peak memory until {HANDLED} of them are handled, above an idle broker's {} MB",
            at_idle / 1_000_000
        ),
        format!("{more:.0} MB"),
        "≤ 64 MB",
    );
    Ok(())
}

async fn fill(file: &Path) -> anyhow::Result<()> {
    let clock = Clock::start();
    let engine = SqliteEngine::open(file, clock.now()).await?;
    for first in (0..WAITING).step_by(1000) {
        let publication = |n| Ok(Publication { event: event(n)?, subscriptions: vec!["0".to_owned()] });
        engine.publish(clock.now(), (first..first + 1000).map(publication).collect::<anyhow::Result<_>>()?).await?;
    }
    engine.close().await;
    Ok(())
}

/// How long the start took, and the peak of memory.
fn start(bench: &Bench, state: &Path, handled: usize) -> anyhow::Result<(Duration, u64)> {
    let mut command: Command = bench.native(&["open-events"])?;
    command.arg("--file").arg(state.join("events.db")).args(["--handled", &handled.to_string()]);
    let output = command.output()?;
    ensure!(output.status.success(), "the broker's process failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let (micros, bytes) = text.trim().split_once(' ').context("two numbers were expected")?;
    Ok((Duration::from_micros(micros.parse()?), bytes.parse()?))
}

/// The process that is measured: prints how long until the first event was handled, in µs, and the peak of its memory, in bytes.
pub fn open(asked: &OpenEvents) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        let (began, notes) = (Instant::now(), Notes::new(1, 0)?);
        let mut bus = Bus::open(&asked.file, 1, notes).await?;
        bus.handled(asked.handled.min(1)).await?;
        let took = began.elapsed();
        bus.handled(asked.handled).await?;
        println!("{} {}", took.as_micros(), peak()?);
        bus.stop().await;
        Ok(())
    })
}

/// The most memory that this process had resident so far, in bytes.
fn peak() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
