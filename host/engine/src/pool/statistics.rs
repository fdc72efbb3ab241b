//! What one pool has done since it was made: by it two versions of a component are compared.

use crate::http_client::Body;
use crate::job::{CallError, HttpFailure};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use wasmtime::component::Val;

/// So many for each doubling of the time, and one for each of the first microseconds: a bucket is at most an eighth of its time wide.
const PER_OCTAVE: usize = 8;

/// Up to some hours.
const BUCKETS: usize = 32 * PER_OCTAVE;

/// Counters that many tasks write.
pub struct Statistics {
    requests: AtomicU64,
    errors: AtomicU64,
    traps: AtomicU64,
    took: [AtomicU64; BUCKETS],
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            traps: AtomicU64::new(0),
            took: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests and calls that were answered, or failed.
    pub requests: u64,
    /// Those that ended in a crash, a time-out, a 5xx or a typed `unavailable` or `other`.
    pub errors: u64,
    /// Instances that died.
    pub traps: u64,
    took: Vec<u64>,
}

impl Statistics {
    pub(crate) fn finished(&self, took: Duration, is_error: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.errors.fetch_add(u64::from(is_error), Relaxed);
        if let Some(bucket) = self.took.get(bucket(took)) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn trapped(&self) {
        self.traps.fetch_add(1, Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            requests: self.requests.load(Relaxed),
            errors: self.errors.load(Relaxed),
            traps: self.traps.load(Relaxed),
            took: self.took.iter().map(|bucket| bucket.load(Relaxed)).collect(),
        }
    }
}

impl Counts {
    /// Of several pools together.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.traps += other.traps;
        self.took.resize(BUCKETS, 0);
        self.took.iter_mut().zip(&other.took).for_each(|(sum, more)| *sum += more);
    }

    /// The time within which this share of the requests was done, to within a sixteenth of itself; `None` without any.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.took.iter().sum();
        let wanted = ((all as f64) * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.took.iter().position(|count| {
            seen += count;
            seen >= wanted && *count > 0
        })?;
        Some(Duration::from_nanos(middle_ns(bucket)))
    }
}

fn bucket(took: Duration) -> usize {
    let micros = usize::try_from(took.as_micros()).unwrap_or(usize::MAX);
    if micros < PER_OCTAVE {
        return micros;
    }
    let narrowing = micros.ilog2() - PER_OCTAVE.ilog2();
    ((narrowing as usize) * PER_OCTAVE + (micros >> narrowing)).min(BUCKETS - 1)
}

/// Half-way between its bounds, in nanoseconds.
fn middle_ns(bucket: usize) -> u64 {
    let narrowing = (bucket / PER_OCTAVE).saturating_sub(1);
    let lower = (bucket - narrowing * PER_OCTAVE) as u64;
    ((lower * 2 + 1) * 500) << narrowing
}

/// A refusal for lack of places says nothing about the version that runs.
pub(crate) fn is_http_error(answer: &Result<http::Response<Body>, HttpFailure>) -> bool {
    match answer {
        Ok(response) => response.status().is_server_error(),
        Err(HttpFailure::Overloaded | HttpFailure::Stopped | HttpFailure::TooDeep) => false,
        Err(_) => true,
    }
}

/// `unavailable` and `other` are the cases by which every typed interface tells trouble; the others are answers.
pub(crate) fn is_call_error(answer: &Result<Vec<Val>, CallError>) -> bool {
    match answer.as_ref().map(|results| results.first()) {
        Ok(Some(Val::Result(Err(Some(error))))) => {
            matches!(error.as_ref(), Val::Variant(case, _) if case == "unavailable" || case == "other")
        }
        Ok(_) | Err(CallError::Overloaded | CallError::Stopped | CallError::TooDeep) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_sixteenth_beside_the_truth_at_most() {
        for micros in [8, 9, 15, 16, 17, 100, 1000, 1023, 1024, 123_456, 8_800_000, 12_600_000, 4_000_000_000] {
            let took = Duration::from_micros(micros);
            let statistics = Statistics::default();
            statistics.finished(took, false);
            let found = statistics.counts().quantile(0.99).unwrap();
            assert!(found.abs_diff(took) <= took / 15, "{took:?} → {found:?}");
        }
    }

    #[test]
    fn the_shortest_and_the_longest_times_have_buckets_of_their_own() {
        let of = |took| {
            let statistics = Statistics::default();
            statistics.finished(took, false);
            statistics.counts().quantile(0.5).unwrap()
        };
        assert_eq!(
            (of(Duration::ZERO), of(Duration::from_micros(7))),
            (Duration::from_nanos(500), Duration::from_nanos(7500))
        );
        assert!(of(Duration::MAX) > Duration::from_secs(4 * 3600));
    }

    #[test]
    fn slow_requests_show_at_the_end_only() {
        let statistics = Statistics::default();
        (0..98).for_each(|_| statistics.finished(Duration::from_micros(100), false));
        (0..2).for_each(|_| statistics.finished(Duration::from_millis(50), true));
        let mut counts = Counts::default();
        counts.add(&statistics.counts());
        assert_eq!((counts.requests, counts.errors), (100, 2));
        assert!(counts.quantile(0.5).unwrap() < Duration::from_millis(1));
        assert!(counts.quantile(0.99).unwrap() >= Duration::from_millis(47));
        assert_eq!(Counts::default().quantile(0.5), None);
    }

    #[test]
    fn an_answer_of_the_domain_is_no_error() {
        let error = |case: &str| Ok(vec![Val::Result(Err(Some(Box::new(Val::Variant(case.into(), None)))))]);
        assert!(is_call_error(&error("unavailable")));
        assert!(!is_call_error(&error("not-found")));
        assert!(is_call_error(&Err(CallError::Crashed)));
        assert!(!is_call_error(&Err(CallError::Overloaded)));
    }
}
