//! Interleaved rounds: in each, every server gets one slot, in an order shuffled anew, so that whatever else the machine does
//! meets all of them alike. Results are ratios within a round.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context;

use crate::load::{Requests, Seen, closed_loop, open_loop};
use crate::server::Server;
use crate::statistics::Random;

/// How the load is made.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// Closed loop on so many connections.
    Connections(usize),
    /// Open loop at so many requests a second.
    Rate(f64),
}

/// A server's slots, one per round.
#[derive(Default, Debug)]
pub struct Slots {
    pub per_second: Vec<f64>,
    /// Server CPU per request, in microseconds.
    pub cpu_micros: Vec<f64>,
    pub p50: Vec<f64>,
    pub p99: Vec<f64>,
    pub failed: u64,
}

/// What a slot measures: a server under some requests.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub server: &'a Server,
    pub requests: &'a Requests,
}

pub struct Rounds<'a> {
    pub rounds: usize,
    pub length: Duration,
    pub next: &'a Arc<AtomicU64>,
}

impl Rounds<'_> {
    /// Measures the subjects; one that is given twice is its own control.
    pub async fn run(&self, subjects: &[Subject<'_>], load: Load) -> anyhow::Result<Vec<Slots>> {
        let mut slots: Vec<Slots> = subjects.iter().map(|_| Slots::default()).collect();
        let mut order: Vec<usize> = (0..subjects.len()).collect();
        let mut random = Random::new(42);
        for round in 0..=self.rounds {
            random.shuffle(&mut order);
            for index in &order {
                let (Some(subject), Some(slots)) = (subjects.get(*index), slots.get_mut(*index)) else { continue };
                let slot = self.slot(*subject, load).await;
                let (seen, cpu) = slot.with_context(|| format!("the slot of `{}` failed", subject.server.name))?;
                // The first round only warms up.
                if round > 0 {
                    slots.add(&seen, cpu);
                }
            }
            eprintln!("  round {round} of {}", self.rounds);
        }
        Ok(slots)
    }

    async fn slot(&self, subject: Subject<'_>, load: Load) -> anyhow::Result<(Seen, Duration)> {
        let Subject { server, requests } = subject;
        let before = server.cpu()?;
        let seen = match load {
            Load::Connections(count) => closed_loop(server.address, count, self.length, requests, self.next).await?,
            Load::Rate(rate) => open_loop(server.address, rate, self.length, requests, self.next).await?,
        };
        Ok((seen, server.cpu()?.saturating_sub(before)))
    }
}

impl Slots {
    fn add(&mut self, seen: &Seen, cpu: Duration) {
        self.per_second.push(seen.per_second());
        self.cpu_micros.push(cpu.as_secs_f64() * 1e6 / (seen.answered.max(1) as f64));
        self.p50.push(seen.quantile(0.5));
        self.p99.push(seen.quantile(0.99));
        self.failed += seen.failed;
    }
}
