//! What the host holds for one instance outside the instance's own memory: parameters that wait, rows that are not read yet,
//! header fields, requests on their way.
//!
//! The allowance is as large as the instance's memory limit, within bounds. Who holds something asks first and gets a [`Held`],
//! which gives it back when it is dropped. What is refused is answered with the interface's own error.

use kobliat_telemetry::{Limit, PoolMetrics};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use tracing::warn;

/// An instance with less memory has so much all the same: one request with its fields and a page of rows.
const LEAST: usize = 8 << 20;

/// An instance with more memory has no more: what it wants to hold, it can hold itself.
const MOST: usize = 256 << 20;

/// The account of one instance; clones are the same account.
#[derive(Clone, Debug)]
pub struct Allowance(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: usize,
    used: AtomicUsize,
    told: AtomicBool,
    report: OnceLock<Report>,
}

/// Where a refusal is counted, and of whom it is told.
struct Report {
    metrics: Arc<PoolMetrics>,
    component: Arc<str>,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("component", &self.component).finish_non_exhaustive()
    }
}

/// The host holds too much for this instance already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the host would hold more than {limit} bytes for this instance: do less at once, or raise the component's memory limit"
)]
pub struct Exhausted {
    pub limit: usize,
}

impl Allowance {
    /// For an instance with so much memory.
    pub fn for_memory(memory: usize) -> Self {
        Self::new(memory.clamp(LEAST, MOST))
    }

    pub fn new(limit: usize) -> Self {
        let (used, told) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self(Arc::new(Account { limit, used, told, report: OnceLock::new() }))
    }

    /// From now on a refusal is counted, and the first one told.
    pub(crate) fn report_to(&self, metrics: Arc<PoolMetrics>, component: Arc<str>) {
        // It is set once, as the instance is made.
        drop(self.0.report.set(Report { metrics, component }));
    }

    pub fn limit(&self) -> usize {
        self.0.limit
    }

    pub fn used(&self) -> usize {
        self.0.used.load(Relaxed)
    }

    /// Counts so many bytes until what is returned is dropped.
    pub fn take(&self, bytes: usize) -> Result<Held, Exhausted> {
        let mut held = self.nothing();
        held.grow(bytes)?;
        Ok(held)
    }

    /// Holds nothing yet.
    pub fn nothing(&self) -> Held {
        Held { allowance: self.clone(), bytes: 0 }
    }

    /// Something was noted that is there already, and it is too much.
    pub(crate) fn is_overdrawn(&self) -> bool {
        self.used() > self.0.limit
    }

    pub(crate) fn exhausted(&self) -> Exhausted {
        let Account { limit, told, report, .. } = &*self.0;
        if let Some(Report { metrics, component }) = report.get() {
            metrics.reached(Limit::Memory);
            if !told.swap(true, Relaxed) {
                warn!(component = %component,
                    "an instance of component `{component}` wants the host to hold more than {limit} bytes for it");
            }
        }
        Exhausted { limit: *limit }
    }
}

/// Bytes that count, until this is dropped.
#[derive(Debug)]
pub struct Held {
    allowance: Allowance,
    bytes: usize,
}

impl Held {
    /// So many bytes more; on an error nothing is changed.
    pub fn grow(&mut self, more: usize) -> Result<(), Exhausted> {
        let Account { limit, used, .. } = &*self.allowance.0;
        let fits = |used: usize| used.checked_add(more).filter(|sum| sum <= limit);
        match used.fetch_update(Relaxed, Relaxed, fits) {
            Ok(_before) => {
                self.bytes += more;
                Ok(())
            }
            Err(_used) => Err(self.allowance.exhausted()),
        }
    }

    /// So many bytes less.
    pub fn shrink(&mut self, less: usize) {
        self.set(self.bytes.saturating_sub(less));
    }

    /// Notes how much it is now, however much that is.
    pub(crate) fn set(&mut self, bytes: usize) {
        // Wraps where it is less than before.
        self.allowance.0.used.fetch_add(bytes.wrapping_sub(self.bytes), Relaxed);
        self.bytes = bytes;
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.allowance.0.used.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_until_it_is_dropped() {
        let allowance = Allowance::new(100);
        let mut first = allowance.take(60).unwrap();
        assert_eq!(allowance.take(41).unwrap_err(), Exhausted { limit: 100 });
        let second = allowance.clone().take(40).unwrap();
        assert!(first.grow(1).is_err());
        assert_eq!((first.bytes(), allowance.used()), (60, 100), "a refusal changes nothing");
        drop(second);
        first.grow(40).unwrap();
        drop(first);
        assert_eq!(allowance.used(), 0);
        assert!(allowance.take(usize::MAX).is_err());
    }

    #[test]
    fn what_is_found_too_late_is_an_overdraft() {
        let allowance = Allowance::new(100);
        let mut found = allowance.nothing();
        found.set(130);
        assert!(allowance.is_overdrawn() && allowance.take(0).is_err());
        found.set(20);
        assert!(!allowance.is_overdrawn());
        drop(found);
        assert_eq!(allowance.used(), 0);
    }

    #[test]
    fn it_is_as_large_as_the_memory_within_bounds() {
        assert_eq!(Allowance::for_memory(1 << 20).limit(), LEAST);
        assert_eq!(Allowance::for_memory(64 << 20).limit(), 64 << 20);
        assert_eq!(Allowance::for_memory(usize::MAX).limit(), MOST);
    }
}
