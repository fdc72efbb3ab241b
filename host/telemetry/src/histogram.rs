//! How long things took, in buckets: a few atomics an observation, and no lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Seconds: from a component that only computes to one that waits for another service.
pub const BOUNDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The same in nanoseconds, because that is what is compared for each request.
const BOUNDS_NS: [u64; BOUNDS.len()] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];

#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One more than there are bounds: the last is for what is above all of them.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_ns: AtomicU64,
}

/// A histogram at one moment. `buckets` counts each bucket alone.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramReading {
    pub buckets: Vec<u64>,
    pub sum_seconds: f64,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_NS.partition_point(|bound| *bound < ns);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    pub fn read(&self) -> HistogramReading {
        HistogramReading {
            buckets: self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect(),
            sum_seconds: Duration::from_nanos(self.sum_ns.load(Relaxed)).as_secs_f64(),
        }
    }
}

impl HistogramReading {
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Each bound in seconds with what is not above it; last, without a bound, all.
    pub fn bounded(&self) -> impl Iterator<Item = (Option<f64>, u64)> {
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(&self.buckets).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }

    /// What was observed after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let buckets = self.buckets.iter().zip(&earlier.buckets).map(|(now, then)| now.saturating_sub(*then));
        Self { buckets: buckets.collect(), sum_seconds: (self.sum_seconds - earlier.sum_seconds).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_same_in_both_units() {
        for (seconds, ns) in BOUNDS.iter().zip(BOUNDS_NS) {
            assert_eq!(Duration::from_secs_f64(*seconds), Duration::from_nanos(ns));
        }
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket_and_what_is_above_all_to_the_last() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(100));
        histogram.observe(Duration::from_micros(101));
        histogram.observe(Duration::from_secs(60));
        let reading = histogram.read();
        assert_eq!((reading.buckets[0], reading.buckets[1], reading.buckets[14]), (1, 1, 1));
        assert_eq!(reading.count(), 3);
        assert!((reading.sum_seconds - 60.000_201).abs() < 1e-9);
    }
}
