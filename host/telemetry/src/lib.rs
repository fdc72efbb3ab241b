//! What the host tells of itself: counters and histograms, and the spans of the traces that requests belong to.
//!
//! Nothing here knows what it measures: the engine, the triggers and the runtime hold handles ([`PoolMetrics`], [`Trace`])
//! and count. [`Metrics::families`] is all that was counted; it is written for Prometheus ([`prometheus`]) and sent to a
//! collector with the spans ([`otlp`]). [`Telemetry`] turns the sending on and off while the host runs.

mod histogram;
mod metrics;
pub mod otlp;
mod pool;
pub mod prometheus;
mod readings;
mod sampler;
mod span;
mod telemetry;
mod trace;
mod trace_context;

pub use metrics::{Family, Metrics, Sample, Shape, Value as MetricValue};
pub use pool::{Kind, Limit, Outcome, PoolMetrics};
pub use readings::{DatabaseReading, PoolReading, Readings, SubscriptionReading};
pub use sampler::Sampler;
pub use span::{Span, SpanKind, Value};
pub use telemetry::Telemetry;
pub use trace::{Trace, Tracer};
pub use trace_context::TraceContext;
