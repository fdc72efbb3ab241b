//! What the host tells of itself: counters, histograms and the trace that a request belongs to.
//!
//! Nothing here knows what it measures: the engine, the triggers and the runtime hold the handles ([`PoolMetrics`]) and
//! count; [`Metrics::encode`] writes all of it for Prometheus. [`TraceContext`] is W3C's, carried by every call.

mod metrics;
mod pool;
mod readings;
mod trace;

pub use metrics::Metrics;
pub use pool::{Kind, Limit, Outcome, PoolMetrics};
pub use readings::{DatabaseReading, PoolReading, Readings};
pub use trace::TraceContext;
