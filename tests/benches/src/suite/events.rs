//! The event broker: deliveries a second with everything durable, publish to handled, and a start with a million waiting.
//!
//! Subscribers are native functions here: this part measures the broker, `hello` what it costs to call a guest.

mod broker;
mod native;
mod waiting;

use std::time::Duration;

use broker::Bus;
use kobliat_events::Event;
use tokio::runtime::Runtime;

pub use waiting::open;

use super::Bench;
use crate::report::Report;
use crate::statistics::Estimate;

/// Deliveries of one slot, all subscribers together.
const DELIVERIES: usize = 40_000;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    // Load and broker are one process: it has both cores.
    if let Some(cores) = bench.cores {
        cores.both();
    }
    let runtime = runtime()?;
    bench.disk(report, "before events")?;
    for subscribers in [1, 8] {
        let peak = throughput(bench, report, &runtime, subscribers)?;
        runtime.block_on(latency(bench, report, subscribers, peak / 2.0))?;
    }
    waiting::measure(bench, report, &runtime)
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn label(subscribers: usize) -> String {
    let plural = if subscribers == 1 { "" } else { "s" };
    format!("events, {subscribers} subscriber{plural}, 1000 keys")
}

/// The peak, in deliveries a second.
fn throughput(bench: &Bench, report: &mut Report, runtime: &Runtime, subscribers: usize) -> anyhow::Result<f64> {
    let (mut ours, mut twin, mut violations) = (Vec::new(), Vec::new(), 0);
    let events = DELIVERIES / subscribers;
    for round in 0..=bench.run.rounds {
        let state = bench.state()?;
        let (took, wrong) = runtime.block_on(flood(state.path(), subscribers, events))?;
        violations += wrong;
        let state = bench.state()?;
        let native = native::run(state.path(), events, subscribers)?;
        // The first round only warms up.
        if round > 0 {
            ours.push(DELIVERIES as f64 / took.as_secs_f64());
            twin.push(DELIVERIES as f64 / native.as_secs_f64());
        }
    }
    let (what, peak) = (label(subscribers), Estimate::of(&ours));
    report.add(format!("{what}: deliveries per second"), format!("{:.0}", peak.median), "≥ 5000");
    report.ratio(format!("{what}: ÷ a native loop writing the same rows"), Estimate::of_ratio(&ours, &twin), "printed");
    report.add(format!("{what}: order violations"), violations.to_string(), "0");
    Ok(peak.median)
}

async fn flood(state: &std::path::Path, subscribers: usize, events: usize) -> anyhow::Result<(Duration, usize)> {
    let mut bus = Bus::start(state, subscribers).await?;
    let took = bus.flood(events).await?;
    let violations = bus.violations();
    bus.stop().await;
    Ok((took, violations))
}

async fn latency(bench: &Bench, report: &mut Report, subscribers: usize, rate: f64) -> anyhow::Result<()> {
    let state = bench.state()?;
    let mut bus = Bus::start(state.path(), subscribers).await?;
    let length = Duration::from_secs(bench.run.seconds * bench.run.rounds as u64);
    let latency = bus.steady(rate / subscribers as f64, length).await?;
    let violations = bus.violations();
    bus.stop().await;
    let [p50, p99] = [0.5, 0.99].map(|quantile| latency.value_at_quantile(quantile) as f64 / 1000.0);
    report.add(
        format!("{}: publish to handled at {rate:.0}/s, half the peak: p50 and p99", label(subscribers)),
        format!("{p50:.1} ms, {p99:.1} ms"),
        "p99 ≤ 50 ms",
    );
    anyhow::ensure!(violations == 0, "{violations} events were handled out of order");
    Ok(())
}

/// An event of so many bytes as a message's.
fn event(number: usize) -> anyhow::Result<Event> {
    let attributes = [
        ("id", format!("{number:032}")),
        ("source", "/components/bench".to_owned()),
        ("type", "com.kobliat.message.received.v1".to_owned()),
        ("tenant", "default".to_owned()),
        ("partitionkey", format!("conversation-{}", number % 1000)),
        ("datacontenttype", "application/json".to_owned()),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let data = format!("{{\"n\":{number},\"body\":\"{}\"}}", "x".repeat(400));
    Event::new(attributes, data.into()).map_err(|name| anyhow::anyhow!("no `{name}`"))
}
