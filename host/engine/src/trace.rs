//! W3C trace context on HTTP: read from a request's head, and given to one that has none.

use http::{HeaderMap, HeaderName, HeaderValue};
use kobliat_telemetry::TraceContext;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace that a request says it belongs to. Two `traceparent` say nothing (W3C).
pub fn of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    TraceContext::parse(value.to_str().ok()?)
}

/// Continues the trace of its cause in a request whose sender did not say otherwise.
pub fn pass_on(trace: Option<TraceContext>, headers: &mut HeaderMap) {
    if let Some(trace) = trace.filter(|_| !headers.contains_key(TRACEPARENT))
        && let Ok(value) = HeaderValue::from_str(&trace.to_string())
    {
        headers.insert(TRACEPARENT, value);
    }
}
