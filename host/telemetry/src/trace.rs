//! Where in a trace some work is. Most requests are in none, or in one that is not recorded here: they pay a branch.

use crate::otlp::Spans;
use crate::sampler::Sampler;
use crate::span::{Span, SpanKind};
use crate::trace_context::TraceContext;
use arc_swap::ArcSwapOption;
use std::sync::Arc;

/// A place in a trace, carried by every call; what is done there is a child of it.
#[derive(Clone, Default)]
pub struct Trace {
    pub(crate) context: Option<TraceContext>,
    /// The span that the guest was told of. What it passes on says no more than the host knows.
    pub(crate) told: u64,
    /// Where spans go; `None` in a trace that is only passed on.
    pub(crate) spans: Option<Arc<Spans>>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({:?}, recorded: {})", self.context, self.is_recorded())
    }
}

impl Trace {
    /// A trace of somebody else, which is only passed on.
    pub fn passed_on(context: Option<TraceContext>) -> Self {
        Self { context, told: 0, spans: None }
    }

    pub fn context(&self) -> Option<TraceContext> {
        self.context
    }

    pub fn is_recorded(&self) -> bool {
        self.spans.is_some()
    }

    /// Something that is done here.
    pub fn span(&self, kind: SpanKind, name: impl FnOnce() -> String) -> Span {
        self.span_of(None, kind, name)
    }

    /// The same for what a guest asks for, when it says which of its own spans is the cause.
    pub fn span_of(&self, said: Option<TraceContext>, kind: SpanKind, name: impl FnOnce() -> String) -> Span {
        let (Some(spans), Some(here)) = (&self.spans, self.context) else { return Span::none(self.context) };
        let own = said.filter(|said| said.trace_id == here.trace_id && said.span_id != self.told);
        let parent = own.map_or(here.span_id, |own| own.span_id);
        Span::begin(Arc::clone(spans), TraceContext { span_id: new_id(), ..here }, parent, kind, name())
    }

    /// Whether the sender of this `traceparent` means another trace than the one that it works in.
    pub fn is_left_by(&self, said: &TraceContext) -> bool {
        self.context.is_none_or(|here| here.trace_id != said.trace_id)
    }
}

/// Begins traces; off, until it is told where spans go.
#[derive(Default)]
pub struct Tracer {
    recording: ArcSwapOption<Recording>,
}

struct Recording {
    sampler: Sampler,
    spans: Arc<Spans>,
}

impl Tracer {
    pub(crate) fn record(&self, to: Option<(Sampler, Arc<Spans>)>) {
        self.recording.store(to.map(|(sampler, spans)| Arc::new(Recording { sampler, spans })));
    }

    /// Work that nobody in this host asked for: the span of a request from outside, of an event.
    pub fn begin(&self, said: Option<TraceContext>, kind: SpanKind, name: impl FnOnce() -> String) -> Span {
        let recording = self.recording.load();
        let Some(recording) = recording.as_ref() else { return Span::none(said) };
        let trace_id = said.map_or_else(rand::random::<u128>, |said| said.trace_id).max(1);
        let sampled = recording.sampler.samples(trace_id, said.as_ref());
        let context = TraceContext { trace_id, span_id: new_id(), sampled };
        if !sampled {
            return Span::none(Some(context));
        }
        Span::begin(Arc::clone(&recording.spans), context, said.map_or(0, |said| said.span_id), kind, name())
    }
}

/// Never 0, which means none.
fn new_id() -> u64 {
    rand::random::<u64>().max(1)
}
