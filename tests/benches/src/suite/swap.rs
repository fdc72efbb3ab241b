//! Components replaced under a steady load: what fails, what is stored twice, how late answers come, and what is left in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use kobliat_admin::Client;

use super::{Bench, platform, webhook};
use crate::load::{Requests, Seen, open_loop};
use crate::report::Report;
use crate::server::Server;

/// A rate that one core serves with ease: what is measured is the swap, not overload.
const RATE: f64 = 40.0;

/// From the end of one swap to the beginning of the next.
const PAUSE: Duration = Duration::from_millis(150);

/// A component, and what asks for it.
type Replaced = (&'static str, fn() -> Requests);

/// A callee of typed links in the middle of the webhook path, and the component behind the public HTTP routes.
const SUBJECTS: [Replaced; 2] = [("customer", webhook::requests), ("api-gateway", reads)];

/// What the last ticks of an application take to finish what was left.
const SETTLED: Duration = Duration::from_secs(30);

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let state = bench.state()?;
    let server = bench.start("kobliat", webhook::platform(bench, state.path())?)?;
    let subject = Subject { bench, server: &server, admin: Client::in_state_dir(state.path()) };
    let mut webhooks = 0;
    for (component, requests) in SUBJECTS {
        let versions = [version(&bench.root, component, 1)?, version(&bench.root, component, 2)?];
        let answered = subject.under_load(component, &versions, &requests(), report)?;
        webhooks += if component == "customer" { answered } else { 0 };
    }
    let stored = stored_when_settled(state.path(), webhooks)?;
    report.add(
        format!("swap: messages of {webhooks} webhooks: stored · lost or doubled"),
        format!("{stored} · {}", webhooks.abs_diff(stored)),
        "0",
    );
    subject.memory(report)
}

struct Subject<'b> {
    bench: &'b Bench,
    server: &'b Server,
    admin: Client,
}

impl Subject<'_> {
    /// Steady, then with swaps. How many requests were answered.
    fn under_load(
        &self,
        component: &str,
        versions: &[Vec<u8>; 2],
        requests: &Requests,
        report: &mut Report,
    ) -> anyhow::Result<u64> {
        let swaps = self.bench.run.swaps;
        // Compiled, and everything has grown to what it needs.
        for version in versions {
            self.bench.runtime.block_on(self.swap(component, version))?;
        }
        let length = Duration::from_secs(self.bench.run.seconds * 3);
        self.load(length, requests)?;
        let steady = self.load(length, requests)?;
        let (during, times) = self.with_swaps(component, versions, swaps, requests)?;
        let what = |what: &str| format!("swap: {component}, {swaps} swaps at {RATE:.0}/s: {what}");
        report.add(what("failed or hung requests"), format!("{} of {}", during.failed, during.answered), "0");
        report.add(what("one swap, p50 and longest"), shown(&times), "—");
        let p99 = |seen: &Seen| seen.quantile(0.99);
        let figures = format!("{:.1} · {:.1} ms", p99(&steady), p99(&during));
        report.add(what("p99 steady · while swapping"), figures, "—");
        report.add(what("p99 ÷ steady"), format!("{:.2} ×", p99(&during) / p99(&steady)), "≤ 2");
        Ok(during.answered + steady.answered * 2)
    }

    fn load(&self, length: Duration, requests: &Requests) -> anyhow::Result<Seen> {
        let seen = open_loop(self.server.address, RATE, length, requests, &self.bench.next);
        let seen = self.bench.runtime.block_on(seen)?;
        ensure!(seen.failed == 0, "{} requests failed without any swap", seen.failed);
        Ok(seen)
    }

    /// The load goes on for as long as the swaps take.
    fn with_swaps(
        &self,
        component: &str,
        versions: &[Vec<u8>; 2],
        swaps: usize,
        requests: &Requests,
    ) -> anyhow::Result<(Seen, Vec<Duration>)> {
        self.bench.runtime.block_on(async {
            let swapping = async {
                let mut times = Vec::with_capacity(swaps);
                for version in versions.iter().cycle().take(swaps) {
                    let began = Instant::now();
                    self.swap(component, version).await?;
                    times.push(began.elapsed());
                    tokio::time::sleep(PAUSE).await;
                }
                anyhow::Ok(times)
            };
            tokio::pin!(swapping);
            let mut all: Option<Seen> = None;
            // In pieces, because nobody knows how long the swaps take; the next piece begins when the one before was answered.
            loop {
                let piece = open_loop(self.server.address, RATE, Duration::from_secs(2), requests, &self.bench.next);
                tokio::pin!(piece);
                let (piece, times) = tokio::select! {
                    piece = &mut piece => (piece?, None),
                    times = &mut swapping => (piece.await?, Some(times?)),
                };
                match &mut all {
                    Some(all) => all.merge(&piece),
                    None => all = Some(piece),
                }
                if let Some(times) = times {
                    return all.map(|all| (all, times)).context("at least one piece");
                }
            }
        })
    }

    async fn swap(&self, component: &str, version: &[u8]) -> anyhow::Result<()> {
        let answer = self.admin.post(&format!("/components/{component}/swap"), version.to_vec()).await;
        let answer = answer.with_context(|| format!("component `{component}` was not swapped"))?;
        ensure!(answer.get("outcome").is_some_and(|outcome| outcome == "switched"), "{answer}");
        Ok(())
    }

    /// Ten times as many swaps, with little else going on, and what is left of them.
    fn memory(&self, report: &mut Report) -> anyhow::Result<()> {
        let (component, swaps) = ("customer", self.bench.run.swaps * 10);
        let versions = [version(&self.bench.root, component, 1)?, version(&self.bench.root, component, 2)?];
        let some = |count: usize| {
            self.bench.runtime.block_on(async {
                for version in versions.iter().cycle().take(count) {
                    self.swap(component, version).await?;
                }
                anyhow::Ok(())
            })
        };
        some(swaps / 10)?;
        let before = platform::at_rest(self.server)?;
        some(swaps)?;
        let after = platform::at_rest(self.server)?;
        let mb = |bytes: u64| bytes / 1_000_000;
        report.add(
            format!("swap: resident memory at rest, before and after {swaps} swaps"),
            format!("{} · {} MB, {:.3} ×", mb(before), mb(after), after as f64 / before as f64),
            "≤ 1.05",
        );
        Ok(())
    }
}

/// The same component as another version: with a custom section behind it, which does nothing.
fn version(root: &Path, component: &str, number: u8) -> anyhow::Result<Vec<u8>> {
    let file = root.join("target/guests/wasm32-wasip2/release").join(format!("{}.wasm", component.replace('-', "_")));
    let mut wasm = std::fs::read(&file).with_context(|| format!("`{}` is not built", file.display()))?;
    wasm.extend([0, 9, 7]);
    wasm.extend(b"version");
    wasm.push(number);
    Ok(wasm)
}

fn shown(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    let at = |index: usize| times.get(index).map_or(0, Duration::as_millis);
    format!("{} ms, {} ms", at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// A list through the gateway, by the API key.
fn reads() -> Requests {
    Arc::new(|_| {
        Request::get("/api/v1/conversations?limit=1")
            .header("host", "127.0.0.1")
            .header("x-api-key", webhook::API_KEY)
            .body(Full::new(Bytes::new()))
            .expect("a valid request")
    })
}

/// How many messages there are, once there are so many, or at the latest after a while.
fn stored_when_settled(state: &Path, expected: u64) -> anyhow::Result<u64> {
    let database = rusqlite::Connection::open(state.join("messaging.db"))?;
    let began = Instant::now();
    loop {
        let stored: i64 = database.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
        let stored = u64::try_from(stored)?;
        if stored >= expected || began.elapsed() > SETTLED {
            return Ok(stored);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
