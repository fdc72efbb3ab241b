//! What one pool of instances counts while it works: handles that were looked up once, so that a request costs a few atomics.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What the jobs of a pool are.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the label's value is the name")]
pub enum Kind {
    http,
    call,
}

/// How a job ended, as far as the host can tell.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the label's value is the name")]
pub enum Outcome {
    /// A result, or a response below 500.
    ok,
    /// The component answered with 5xx, or with an error code.
    error,
    /// The instance crashed, or none could be started.
    crashed,
    timeout,
    /// Turned away before it ran.
    refused,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the label's value is the name")]
pub enum Limit {
    memory,
    cpu,
    wall,
    queue,
    depth,
    body,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [Self::ok, Self::error, Self::crashed, Self::timeout, Self::refused];
}

impl Limit {
    pub(crate) const ALL: [Self; 6] = [Self::memory, Self::cpu, Self::wall, Self::queue, Self::depth, Self::body];
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct PoolLabels {
    pub component: String,
    pub kind: Kind,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    pub component: String,
    pub kind: Kind,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct LimitLabels {
    pub component: String,
    pub limit: Limit,
}

/// The handles of one pool. Every version of a component counts in the same ones.
#[derive(Debug)]
pub struct PoolMetrics {
    pub(crate) outcomes: [Counter; Outcome::ALL.len()],
    pub(crate) limits: [Counter; Limit::ALL.len()],
    pub(crate) duration: Histogram,
    pub(crate) started: Counter,
    pub(crate) cpu: Counter<f64, AtomicU64>,
}

impl PoolMetrics {
    pub(crate) fn new(
        outcomes: [Counter; Outcome::ALL.len()],
        limits: [Counter; Limit::ALL.len()],
        duration: Histogram,
        started: Counter,
        cpu: Counter<f64, AtomicU64>,
    ) -> Self {
        Self { outcomes, limits, duration, started, cpu }
    }

    /// Handles that no registry knows, for a host that nobody asks.
    pub fn unregistered() -> Arc<Self> {
        let duration = Histogram::new(crate::metrics::BUCKETS);
        Arc::new(Self::new(Default::default(), Default::default(), duration, Counter::default(), Counter::default()))
    }

    /// A job has ended; `took` is the time to its answer, of a response to its head.
    pub fn ended(&self, outcome: Outcome, took: Duration) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.inc();
        }
        if outcome != Outcome::refused {
            self.duration.observe(took.as_secs_f64());
        }
    }

    pub fn reached(&self, limit: Limit) {
        if let Some(counter) = self.limits.get(limit as usize) {
            counter.inc();
        }
    }

    pub fn instance_started(&self) {
        self.started.inc();
    }

    /// An instance held a thread for so long.
    pub fn computed(&self, time: Duration) {
        self.cpu.inc_by(time.as_secs_f64());
    }

    pub fn count(&self, limit: Limit) -> u64 {
        self.limits.get(limit as usize).map_or(0, Counter::get)
    }
}
