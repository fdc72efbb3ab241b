//! A span: something that takes a while, with what caused it. It ends when it is dropped.

use crate::otlp::Spans;
use crate::trace::Trace;
use crate::trace_context::TraceContext;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// OpenTelemetry's kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    Internal,
    Server,
    Client,
    Consumer,
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

/// A span that may be recorded, or may be nothing.
pub struct Span {
    context: Option<TraceContext>,
    open: Option<Box<Open>>,
}

struct Open {
    record: Record,
    /// A span lasts as long as it lasts, whatever the wall clock does meanwhile.
    began: Instant,
    spans: Arc<Spans>,
}

/// What is told of a span.
#[derive(Debug)]
pub(crate) struct Record {
    pub context: TraceContext,
    /// 0 at the root of a trace.
    pub parent: u64,
    pub name: String,
    pub kind: SpanKind,
    pub began_ns: u64,
    pub ended_ns: u64,
    pub attributes: Vec<(&'static str, Value)>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Span {
    /// Nothing is recorded; what it causes is in this trace all the same.
    pub fn none(context: Option<TraceContext>) -> Self {
        Self { context, open: None }
    }

    pub(crate) fn begin(spans: Arc<Spans>, context: TraceContext, parent: u64, kind: SpanKind, name: String) -> Self {
        let record = Record {
            context,
            parent,
            name,
            kind,
            began_ns: now_ns(),
            ended_ns: 0,
            attributes: Vec::new(),
            error: None,
        };
        Self { context: Some(context), open: Some(Box::new(Open { record, began: Instant::now(), spans })) }
    }

    pub fn is_recorded(&self) -> bool {
        self.open.is_some()
    }

    pub fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// The place of what this span causes.
    pub fn trace(&self) -> Trace {
        let open = self.open.as_ref();
        Trace {
            context: self.context,
            told: open.map_or(0, |open| open.record.parent),
            spans: open.map(|open| Arc::clone(&open.spans)),
        }
    }

    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.open {
            open.record.attributes.push((key, value.into()));
        }
    }

    /// It did not come to its end as it should.
    pub fn fail(&mut self, why: impl std::fmt::Display) {
        if let Some(open) = &mut self.open {
            open.record.error = Some(why.to_string());
        }
    }

    /// It did after all: takes back [`Span::fail`].
    pub fn succeed(&mut self) {
        if let Some(open) = &mut self.open {
            open.record.error = None;
        }
    }

    /// Something that has happened within it already, and took so long until now.
    pub fn past(&self, kind: SpanKind, name: &'static str, took: Duration) -> Self {
        let mut past = self.trace().span(kind, || name.to_owned());
        if let Some(open) = &mut past.open {
            let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            open.record.began_ns = open.record.began_ns.saturating_sub(took);
            open.began = open.began.checked_sub(Duration::from_nanos(took)).unwrap_or(open.began);
        }
        past
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let Open { mut record, began, spans } = *open;
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            record.ended_ns = record.began_ns.saturating_add(took);
            spans.send(record);
        }
    }
}

pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span() -> (Span, tokio::sync::mpsc::Receiver<Record>) {
        let (spans, records) = Spans::new();
        let context = TraceContext { trace_id: 1, span_id: 2, sampled: true };
        (Span::begin(spans, context, 0, SpanKind::Internal, "work".to_owned()), records)
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_span_end_before_it_began() {
        let (mut span, mut records) = span();
        let hour = 3_600_000_000_000;
        // As if it had been an hour later when the span began.
        span.open.as_mut().unwrap().record.began_ns += hour;
        drop(span);
        let record = records.try_recv().unwrap();
        assert!(record.ended_ns >= record.began_ns && record.ended_ns - record.began_ns < hour);
    }

    #[test]
    fn what_has_happened_already_ends_now() {
        let (span, mut records) = span();
        drop(span.past(SpanKind::Client, "COMMIT", Duration::from_millis(5)));
        let record = records.try_recv().unwrap();
        assert!(record.ended_ns - record.began_ns >= 5_000_000);
        assert!(record.ended_ns <= now_ns() + 1_000_000_000);
    }
}
