//! What one component may use. A runaway guest harms itself only.

use crate::context::MAX_DEPTH;
use kobliat_telemetry::{Limit, PoolMetrics};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tracing::warn;
use wasmtime::ResourceLimiter;

/// Tables hold function references, not data: far above what compilers emit, far below what would hurt the host.
const TABLE_ELEMENTS: usize = 100_000;

/// Bytes of an element: a reference.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// The limits of one component, from `[component.x.tool.kobliat] limits`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one instance: all its memories and tables together.
    pub memory: usize,
    /// CPU time of one request or call.
    pub cpu: Duration,
    /// Wall time of one request or call.
    pub timeout: Duration,
    /// Requests or calls in flight on one instance.
    pub concurrency: usize,
    /// Requests or calls that one instance serves before it is replaced.
    pub reuse: usize,
    /// Instances of one pool (a component has one pool for HTTP and one for typed calls).
    pub instances: usize,
    /// Requests that wait for an instance before the answer is 503.
    pub queue: usize,
    /// Bytes of a request's body; one that announces more is answered 413.
    pub body: Option<u64>,
    /// Bytes of a request's body that are there before the request takes a place.
    pub buffer: Option<usize>,
    /// How long an unused instance is kept.
    pub idle: Duration,
    /// Where these three are a range: each instance has a number of its own, from here up to the limit.
    pub least: Least,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Least {
    pub concurrency: Option<usize>,
    pub reuse: Option<usize>,
    pub idle: Option<Duration>,
}

/// What one instance has of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub concurrency: usize,
    pub reuse: usize,
    pub idle: Duration,
}

#[cfg(test)]
impl Limits {
    /// Some limits, for tests: the defaults that components get are the manifest's.
    pub(crate) fn some() -> Self {
        Self {
            memory: 64 << 20,
            cpu: Duration::from_secs(2),
            timeout: Duration::from_secs(30),
            concurrency: 16,
            reuse: 10_000,
            instances: 16,
            queue: 256,
            body: None,
            buffer: None,
            idle: Duration::from_secs(10),
            least: Least::default(),
        }
    }
}

impl Limits {
    /// Chosen at random, so that nobody comes to rely on how often an instance is used again.
    pub(crate) fn share(&self) -> Share {
        let Least { concurrency, reuse, idle } = self.least;
        let nanos = |time: Duration| usize::try_from(time.as_nanos()).unwrap_or(usize::MAX);
        let idle = idle.map_or(self.idle, |idle| Duration::from_nanos(between(nanos(idle), nanos(self.idle)) as u64));
        let count = |least: Option<usize>, most| least.map_or(most, |least| between(least, most));
        Share { concurrency: count(concurrency, self.concurrency), reuse: count(reuse, self.reuse), idle }
    }

    /// Requests from outside (of typed calls: those from the outermost components) that run at once.
    pub(crate) fn outside(&self) -> usize {
        self.instances.saturating_mul(self.concurrency)
    }

    /// Jobs that run beside them for each depth of calls between components, so that a call is served however many wait
    /// for it: one is enough to go on, more go on faster.
    pub(crate) fn reserve(&self) -> usize {
        (self.concurrency / 4).max(1)
    }

    /// Instances of one pool together with those that only calls between components may start.
    pub(crate) fn instances_with_reserve(&self) -> usize {
        let reserve = (self.reserve() * MAX_DEPTH).div_ceil(self.concurrency.max(1));
        self.instances.saturating_add(reserve)
    }
}

fn between(least: usize, most: usize) -> usize {
    let width = most.saturating_sub(least).saturating_add(1);
    let number = usize::try_from(RandomState::new().hash_one(())).unwrap_or(usize::MAX);
    least.min(most).saturating_add(number % width)
}

/// Counts the bytes of all memories and tables of a store: wasmtime's own limiter counts each alone, so that a composition
/// could use a multiple.
pub struct MemoryLimiter {
    limit: usize,
    used: usize,
    /// What all instances of the pool use together.
    gauge: Arc<AtomicUsize>,
    /// Where a refusal is counted, and of whom it is told.
    report: Option<(Arc<PoolMetrics>, Arc<str>)>,
    told: bool,
}

impl MemoryLimiter {
    pub fn new(limit: usize) -> Self {
        Self { limit, used: 0, gauge: Arc::default(), report: None, told: false }
    }

    /// Counts from now on in `gauge`; call it before anything is used.
    pub(crate) fn count_in(&mut self, gauge: Arc<AtomicUsize>) {
        self.gauge = gauge;
    }

    /// From now on a refusal is counted, and the first one told.
    pub(crate) fn report_to(&mut self, metrics: Arc<PoolMetrics>, component: Arc<str>) {
        self.report = Some((metrics, component));
    }
}

impl MemoryLimiter {
    /// So many bytes more, of what had `current` and shall have `desired`.
    fn take(&mut self, current: usize, desired: usize) -> bool {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.limit {
            if let Some((metrics, id)) = &self.report {
                metrics.reached(Limit::Memory);
                if !std::mem::replace(&mut self.told, true) {
                    warn!(component = %id, "an instance of component `{id}` wants more than its {} bytes", self.limit);
                }
            }
            return false;
        }
        // Wraps where something has shrunk, which nothing does.
        self.gauge.fetch_add(used.wrapping_sub(self.used), Relaxed);
        self.used = used;
        true
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        self.gauge.fetch_sub(self.used, Relaxed);
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.take(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let may_be = desired <= TABLE_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum);
        Ok(may_be && self.take(current.saturating_mul(TABLE_ELEMENT), desired.saturating_mul(TABLE_ELEMENT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_range_every_number_comes_and_no_other() {
        let least = Least { reuse: Some(2), concurrency: Some(3), idle: Some(Duration::from_secs(1)) };
        let limits = Limits { reuse: 4, concurrency: 1, least, ..Limits::some() };
        let shares: Vec<Share> = (0..300).map(|_| limits.share()).collect();
        let seen: std::collections::BTreeSet<usize> = shares.iter().map(|share| share.reuse).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [2, 3, 4]);
        assert!(shares.iter().all(|share| share.concurrency == 1), "never more than the limit");
        assert!(shares.iter().all(|share| (Duration::from_secs(1)..=limits.idle).contains(&share.idle)));
        assert_eq!(Limits::some().share().reuse, Limits::some().reuse);
    }

    #[test]
    fn counts_all_memories_of_an_instance_together() {
        let mut limiter = MemoryLimiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap(), "a second memory shares the limit");
        assert!(limiter.memory_growing(60, 100, None).unwrap());
        assert!(!limiter.memory_growing(100, 101, None).unwrap());
    }

    #[test]
    fn there_is_a_place_for_one_call_of_each_depth_beside_all_requests() {
        for (instances, concurrency) in [(1, 1), (1, 16), (2, 3), (16, 16), (5, 1)] {
            let limits = Limits { instances, concurrency, ..Limits::some() };
            let places = limits.instances_with_reserve() * concurrency;
            assert!(places >= limits.outside() + limits.reserve() * MAX_DEPTH, "{instances} × {concurrency}");
        }
    }

    #[test]
    fn refuses_a_table_that_would_hurt_the_host() {
        let mut limiter = MemoryLimiter::new(TABLE_ELEMENTS * 10);
        assert!(limiter.memory_growing(0, TABLE_ELEMENTS * 5, None).unwrap());
        assert!(!limiter.table_growing(0, TABLE_ELEMENTS, None).unwrap(), "tables count as memory does");
        assert!(limiter.table_growing(0, TABLE_ELEMENTS / 2, None).unwrap());
        let mut limiter = MemoryLimiter::new(usize::MAX);
        assert!(limiter.table_growing(0, TABLE_ELEMENTS, None).unwrap());
        assert!(!limiter.table_growing(0, TABLE_ELEMENTS + 1, None).unwrap());
    }
}
