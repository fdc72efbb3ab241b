//! The context of a request or call: how deep it is nested and until when an answer is of use.

use crate::pause;
use kobliat_telemetry::Trace;
use std::time::{Duration, Instant};

/// How deep calls between components may nest: a request from outside is depth 0.
pub const MAX_DEPTH: usize = 8;

/// What work after the answer may still take, when nobody waits for it.
const DETACHED_DEADLINE: Duration = Duration::from_secs(30);

/// Travels with every job and is found again when the guest calls the host.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// 0 for a request from outside, one more for each call between components.
    pub depth: usize,
    /// When the caller stops waiting, by the clock of [`pause`].
    pub deadline: Instant,
    /// Names the request in log lines; empty when it has no id.
    pub request_id: std::sync::Arc<str>,
    /// The trace that the request belongs to, told to whomever it asks.
    pub trace: Trace,
}

impl CallContext {
    /// A request from outside the application.
    pub fn external(timeout: Duration, request_id: &str) -> Self {
        Self { depth: 0, deadline: pause::now() + timeout, request_id: request_id.into(), trace: Trace::default() }
    }

    /// Work that no known request waits for, e.g. what a guest does long after its answer.
    pub fn detached() -> Self {
        Self { depth: 1, deadline: pause::now() + DETACHED_DEADLINE, request_id: "".into(), trace: Trace::default() }
    }

    /// The context of a call made on behalf of this one, or `None` when calls are nested too deeply.
    pub fn nested(&self) -> Option<Self> {
        (self.depth < MAX_DEPTH).then(|| Self { depth: self.depth + 1, ..self.clone() })
    }

    /// The same, with at most `timeout` from now.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.deadline = self.deadline.min(pause::now() + timeout);
        self
    }

    pub fn in_trace(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }

    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(pause::now())
    }

    pub fn expired(&self) -> bool {
        self.remaining().is_zero()
    }
}
