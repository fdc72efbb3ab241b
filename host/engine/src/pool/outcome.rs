//! How a job's end is counted: what the caller was told, and which limit it had reached. The answer comes back as it was.

use crate::http_client::Body;
use crate::job::{CallError, HttpFailure};
use kobliat_telemetry::{Limit, Outcome, PoolMetrics};
use std::time::Duration;

pub(super) fn of_http(
    metrics: &PoolMetrics,
    answered: Result<http::Response<Body>, HttpFailure>,
    took: Duration,
) -> Result<http::Response<Body>, HttpFailure> {
    let (outcome, limit) = match &answered {
        Ok(response) if response.status().is_server_error() => (Outcome::Error, None),
        Ok(_) => (Outcome::Ok, None),
        Err(failure) => of_failure(failure),
    };
    count(metrics, outcome, limit, took);
    answered
}

/// Of a request that no pool has seen.
pub(super) fn of_refusal(metrics: &PoolMetrics, failure: &HttpFailure) {
    let (outcome, limit) = of_failure(failure);
    count(metrics, outcome, limit, Duration::ZERO);
}

fn of_failure(failure: &HttpFailure) -> (Outcome, Option<Limit>) {
    match failure {
        HttpFailure::Guest(_) => (Outcome::Error, None),
        HttpFailure::Crashed | HttpFailure::Start(_) => (Outcome::Crashed, None),
        HttpFailure::Timeout => (Outcome::Timeout, Some(Limit::Wall)),
        HttpFailure::Overloaded => (Outcome::Refused, Some(Limit::Queue)),
        HttpFailure::TooDeep => (Outcome::Refused, Some(Limit::Depth)),
        HttpFailure::BodyTooLarge => (Outcome::Refused, Some(Limit::Body)),
        HttpFailure::Stopped => (Outcome::Refused, None),
    }
}

pub(super) fn of_call<T>(
    metrics: &PoolMetrics,
    answered: Result<T, CallError>,
    took: Duration,
) -> Result<T, CallError> {
    let (outcome, limit) = match &answered {
        Ok(_) => (Outcome::Ok, None),
        Err(CallError::Crashed | CallError::Start(_)) => (Outcome::Crashed, None),
        Err(CallError::Timeout) => (Outcome::Timeout, Some(Limit::Wall)),
        Err(CallError::Overloaded) => (Outcome::Refused, Some(Limit::Queue)),
        Err(CallError::TooDeep) => (Outcome::Refused, Some(Limit::Depth)),
        Err(CallError::Stopped) => (Outcome::Refused, None),
    };
    count(metrics, outcome, limit, took);
    answered
}

/// Counts a job whose caller goes before it is answered: then this is dropped as it is.
pub(super) struct Asked<'m>(Option<&'m PoolMetrics>);

impl<'m> Asked<'m> {
    pub fn new(metrics: &'m PoolMetrics) -> Self {
        Self(Some(metrics))
    }

    pub fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(metrics) = self.0 {
            metrics.ended(Outcome::Cancelled, Duration::ZERO);
        }
    }
}

fn count(metrics: &PoolMetrics, outcome: Outcome, limit: Option<Limit>, took: Duration) {
    metrics.ended(outcome, took);
    if let Some(limit) = limit {
        metrics.reached(limit);
    }
}
