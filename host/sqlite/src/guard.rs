//! Stops a statement that runs too long or that nobody waits for any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many steps of SQLite's virtual machine pass between two looks at the clock: some 20 µs.
pub(crate) const STEPS_BETWEEN_CHECKS: i32 = 1000;
const NEVER: u64 = u64::MAX;
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The limit of one connection's current statement; its progress handler holds a clone.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Arc<State>);

#[derive(Debug)]
struct State {
    deadline_ns: AtomicU64,
    stopped: AtomicBool,
    cancelled: Mutex<Option<Arc<AtomicBool>>>,
}

impl Guard {
    pub fn new() -> Self {
        Self(Arc::new(State {
            deadline_ns: AtomicU64::new(NEVER),
            stopped: AtomicBool::new(false),
            cancelled: Mutex::new(None),
        }))
    }

    /// Limits what runs next. `cancelled` may be set from elsewhere.
    pub fn limit(&self, limit: Duration, cancelled: Option<Arc<AtomicBool>>) {
        let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(NEVER);
        self.0.stopped.store(false, Relaxed);
        self.0.deadline_ns.store(now_ns().saturating_add(limit_ns), Relaxed);
        *self.0.cancelled.lock().unwrap_or_else(PoisonError::into_inner) = cancelled;
    }

    /// Nothing limits the engine's own statements.
    pub fn lift(&self) {
        self.0.deadline_ns.store(NEVER, Relaxed);
    }

    /// Whether the last limited statement was stopped by its limit.
    pub fn stopped(&self) -> bool {
        self.0.stopped.load(Relaxed)
    }

    /// Asked by SQLite between steps: true stops the statement.
    pub fn must_stop(&self) -> bool {
        let deadline_ns = self.0.deadline_ns.load(Relaxed);
        if deadline_ns == NEVER {
            return false;
        }
        let stop = now_ns() >= deadline_ns || self.is_cancelled();
        self.0.stopped.fetch_or(stop, Relaxed);
        stop
    }

    fn is_cancelled(&self) -> bool {
        let cancelled = self.0.cancelled.lock().unwrap_or_else(PoisonError::into_inner);
        cancelled.as_ref().is_some_and(|flag| flag.load(Relaxed))
    }
}

fn now_ns() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(NEVER - 1)
}
