//! OTLP: spans and metrics to a collector, as protobuf over HTTP.
//!
//! [`settings`] say where to, [`encode`] makes the messages, [`export`] gathers and sends them, [`client`] knows HTTP.

mod client;
mod encode;
mod environment;
mod export;
mod settings;

pub(crate) use client::Client;
pub(crate) use encode::Origin;
pub use environment::pairs_text;
pub(crate) use export::{Line, Spans, send_metrics, send_spans};
pub use settings::{Settings, Signal};
