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
        Ok(response) if response.status().is_server_error() => (Outcome::error, None),
        Ok(_) => (Outcome::ok, None),
        Err(HttpFailure::Guest(_)) => (Outcome::error, None),
        Err(HttpFailure::Crashed | HttpFailure::Start(_)) => (Outcome::crashed, None),
        Err(HttpFailure::Timeout) => (Outcome::timeout, Some(Limit::wall)),
        Err(HttpFailure::Overloaded) => (Outcome::refused, Some(Limit::queue)),
        Err(HttpFailure::TooDeep) => (Outcome::refused, Some(Limit::depth)),
        Err(HttpFailure::BodyTooLarge) => (Outcome::refused, Some(Limit::body)),
        Err(HttpFailure::Stopped) => (Outcome::refused, None),
    };
    count(metrics, outcome, limit, took);
    answered
}

pub(super) fn of_call<T>(
    metrics: &PoolMetrics,
    answered: Result<T, CallError>,
    took: Duration,
) -> Result<T, CallError> {
    let (outcome, limit) = match &answered {
        Ok(_) => (Outcome::ok, None),
        Err(CallError::Crashed | CallError::Start(_)) => (Outcome::crashed, None),
        Err(CallError::Timeout) => (Outcome::timeout, Some(Limit::wall)),
        Err(CallError::Overloaded) => (Outcome::refused, Some(Limit::queue)),
        Err(CallError::TooDeep) => (Outcome::refused, Some(Limit::depth)),
        Err(CallError::Stopped) => (Outcome::refused, None),
    };
    count(metrics, outcome, limit, took);
    answered
}

fn count(metrics: &PoolMetrics, outcome: Outcome, limit: Option<Limit>, took: Duration) {
    metrics.ended(outcome, took);
    if let Some(limit) = limit {
        metrics.reached(limit);
    }
}
