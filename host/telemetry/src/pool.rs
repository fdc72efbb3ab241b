//! What one pool of instances counts while it works: a request costs a few atomics, and nothing is looked up.

use crate::histogram::{Histogram, HistogramReading};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the jobs of a pool are.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Kind {
    Http,
    Call,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Call => "call",
        }
    }
}

/// How a job ended, as far as the host can tell.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Outcome {
    /// A result, or a response below 500.
    Ok,
    /// The component answered with 5xx, or with an error code.
    Error,
    /// The instance crashed, or none could be started.
    Crashed,
    Timeout,
    /// Turned away before it ran.
    Refused,
    /// Whoever asked has gone before there was an answer.
    Cancelled,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Limit {
    Memory,
    Cpu,
    Wall,
    Queue,
    Depth,
    Body,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ok, Self::Error, Self::Crashed, Self::Timeout, Self::Refused, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Crashed => "crashed",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Limit {
    pub(crate) const ALL: [Self; 6] = [Self::Memory, Self::Cpu, Self::Wall, Self::Queue, Self::Depth, Self::Body];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Queue => "queue",
            Self::Depth => "depth",
            Self::Body => "body",
        }
    }
}

/// The counters of one pool. Every version of a component counts in the same ones.
#[derive(Debug, Default)]
pub struct PoolMetrics {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    limits: [AtomicU64; Limit::ALL.len()],
    duration: Histogram,
    started: AtomicU64,
    cpu_ns: AtomicU64,
}

impl PoolMetrics {
    /// Counters that no registry knows, for a host that nobody asks.
    pub fn unregistered() -> Arc<Self> {
        Arc::default()
    }

    /// A job has ended; `took` is the time to its answer, of a response to its head.
    pub fn ended(&self, outcome: Outcome, took: Duration) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.fetch_add(1, Relaxed);
        }
        if !matches!(outcome, Outcome::Refused | Outcome::Cancelled) {
            self.duration.observe(took);
        }
    }

    pub fn reached(&self, limit: Limit) {
        if let Some(counter) = self.limits.get(limit as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub fn instance_started(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    /// An instance held a thread for so long.
    pub fn computed(&self, time: Duration) {
        self.cpu_ns.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// How often a limit was reached.
    pub fn count(&self, limit: Limit) -> u64 {
        self.limits.get(limit as usize).map_or(0, |counter| counter.load(Relaxed))
    }

    pub(crate) fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(outcome as usize).map_or(0, |counter| counter.load(Relaxed))
    }

    pub(crate) fn duration(&self) -> HistogramReading {
        self.duration.read()
    }

    pub(crate) fn started(&self) -> u64 {
        self.started.load(Relaxed)
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        Duration::from_nanos(self.cpu_ns.load(Relaxed)).as_secs_f64()
    }
}
