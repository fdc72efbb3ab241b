//! Guests that mean harm, and how late that makes the answers of the component beside them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use super::Bench;
use super::hello::get;
use crate::load::{Requests, Seen, closed_loop, open_loop};
use crate::report::Report;
use crate::server::Server;
use crate::statistics::median;

/// A rate that one core serves with ease: what is measured is what an attack takes away.
const RATE: f64 = 100.0;

/// What `misbehave` does at these paths, without end: so many callers send the next request when the last has been answered, or ended.
const ATTACKERS: usize = 2;
const ATTACKS: [&str; 7] =
    ["loop", "recurse?4000000000", "handles", "hoard", "headers?100000", "half-a-response", "trap"];

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let state = bench.state()?;
    let manifest = bench.root.join("tests/runtime/hostile/spin.toml");
    let server = bench.start("kobliat", bench.platform(&manifest, state.path(), &[])?)?;
    let subject = Subject { bench, server: &server };
    subject.neighbour(None)?;
    let mut quiet = Vec::new();
    for attack in ATTACKS {
        let (mut alone, mut attacked) = (Vec::new(), Vec::new());
        for round in 0..=bench.run.rounds {
            let (before, during) = (subject.neighbour(None)?, subject.neighbour(Some(attack))?);
            // The first round only warms up.
            if round > 0 {
                alone.push(before.quantile(0.99));
                attacked.push(during.quantile(0.99));
            }
        }
        let what = format!("hostile: {ATTACKERS} at once `{}`: neighbours' p99 · ÷ quiet", attack.replace('?', " "));
        let (alone_ms, attacked_ms) = (median(&alone), median(&attacked));
        report.add(what, format!("{attacked_ms:.1} ms · {:.1} ×", attacked_ms / alone_ms), "≤ 5");
        quiet.extend(alone);
    }
    report.add(format!("hostile: neighbours' p99 at {RATE:.0}/s, quiet"), format!("{:.1} ms", median(&quiet)), "—");
    Ok(())
}

struct Subject<'b> {
    bench: &'b Bench,
    server: &'b Server,
}

impl Subject<'_> {
    /// The neighbours' answers, all of which must come.
    fn neighbour(&self, attack: Option<&str>) -> anyhow::Result<Seen> {
        let (address, next) = (self.server.address, &self.bench.next);
        let length = Duration::from_secs(self.bench.run.seconds);
        let requests = asking("/neighbour/ok".to_owned());
        let seen = self.bench.runtime.block_on(async {
            let neighbours = open_loop(address, RATE, length, &requests, next);
            let Some(attack) = attack else { return neighbours.await };
            let attack = asking(format!("/hostile/{attack}"));
            let attackers = closed_loop(address, ATTACKERS, length, &attack, next);
            let (seen, _harmed) = tokio::try_join!(neighbours, attackers)?;
            Ok(seen)
        })?;
        ensure!(seen.failed == 0, "{} of the neighbours' requests failed", seen.failed);
        Ok(seen)
    }
}

fn asking(path: String) -> Requests {
    Arc::new(move |_| get(&path))
}
