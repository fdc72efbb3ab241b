//! What one pool has done since it was made: by it two versions of a component are compared.

use crate::http_client::Body;
use crate::job::{CallError, HttpFailure};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use wasmtime::component::Val;

/// Two for each doubling of the time, from 1 µs on.
const BUCKETS: usize = 64;

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

    /// The time within which this share of the requests was done, to within half of itself; `None` without any.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.took.iter().sum();
        let wanted = ((all as f64) * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.took.iter().position(|count| {
            seen += count;
            seen >= wanted && *count > 0
        })?;
        Some(Duration::from_micros(upper_bound(bucket)))
    }
}

fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let octave = micros.ilog2() as usize;
    let upper_half = octave > 0 && micros >> (octave - 1) & 1 == 1;
    (octave * 2 + usize::from(upper_half)).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> u64 {
    let octave = 1_u64 << (bucket / 2);
    if bucket.is_multiple_of(2) { octave + octave / 2 } else { octave * 2 }
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
    fn a_quantile_is_at_most_half_above_the_truth() {
        for micros in [1, 2, 3, 7, 100, 1000, 123_456, 10_000_000] {
            let statistics = Statistics::default();
            statistics.finished(Duration::from_micros(micros), false);
            let found = statistics.counts().quantile(0.99).unwrap().as_micros() as u64;
            assert!(found >= micros && found <= micros * 2, "{micros} → {found}");
        }
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
        assert!(counts.quantile(0.99).unwrap() >= Duration::from_millis(50));
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
