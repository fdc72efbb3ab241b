//! W3C trace context on HTTP: read from a request's head, and told to whom a request goes.

use http::{HeaderMap, HeaderName, HeaderValue};
use kobliat_telemetry::{Span, SpanKind, Trace, TraceContext};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace that a request says it belongs to. Two `traceparent` say nothing (W3C).
pub fn of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    TraceContext::parse(value.to_str().ok()?)
}

/// Tells the receiver of a request which span is its cause.
pub fn tell(span: &Span, headers: &mut HeaderMap) {
    if span.is_recorded() {
        insert(span.context(), headers);
    } else {
        pass_on(span.context(), headers);
    }
}

/// The span of a request that a guest sends out. A component (`is_internal`) is told of it, unless the sender means another trace.
/// A third party is told nothing by the host: it would learn which of its requests belong together. What the guest says itself stays.
pub fn outgoing(trace: &Trace, headers: &mut HeaderMap, is_internal: bool, name: impl FnOnce() -> String) -> Span {
    if !trace.is_recorded() {
        if is_internal {
            pass_on(trace.context(), headers);
        }
        return Span::none(trace.context());
    }
    let said = of(headers);
    let span = trace.span_of(said, SpanKind::Client, name);
    if is_internal && !said.is_some_and(|said| trace.is_left_by(&said)) {
        insert(span.context(), headers);
    }
    span
}

/// Continues the trace of its cause in a request whose sender did not say otherwise.
fn pass_on(context: Option<TraceContext>, headers: &mut HeaderMap) {
    if !headers.contains_key(TRACEPARENT) {
        insert(context, headers);
    }
}

fn insert(context: Option<TraceContext>, headers: &mut HeaderMap) {
    let value = context.and_then(|context| HeaderValue::from_str(&context.to_string()).ok());
    if let Some(value) = value {
        headers.insert(TRACEPARENT, value);
    }
}
