//! Composition root: puts manifest, engine, triggers, links and factors together and runs them.
//!
//! [`Runtime::start`] reads everything, refuses what is wrong, and only then serves. Reading order: [`options`], [`overrides`],
//! [`runtime_config`], [`platform_config`] (all of it together: [`reading`]), [`state_dir`], [`downloads`], [`components`] (bytes to compiled),
//! [`inheritance`] (what a composed part may not use), [`wiring`] (links), [`factors`] with [`databases`],
//! [`key_value`] and [`grants`] (who may use what), [`outbound`], [`wasi`], [`instances`] (compiled to pools), [`world`] (one reading,
//! made ready) and [`live`] (which one is in force), [`lifecycle`] (versions,
//! and what changes them), [`routes`], [`tick`], [`events`], [`admin`]; [`start`] puts them together, [`app`] is what runs then.

mod admin;
pub mod app;
pub mod compiler;
mod components;
mod databases;
mod denials;
mod descriptors;
mod downloads;
mod error;
mod events;
mod factors;
mod grants;
mod imports;
mod inheritance;
mod instances;
mod key_value;
pub mod lifecycle;
mod live;
mod log;
mod logs;
mod metrics_page;
mod middleware;
pub mod options;
mod outbound;
mod overrides;
pub mod platform_config;
mod reading;
mod routes;
pub mod runtime_config;
mod single;
mod start;
mod state_dir;
mod telemetry;
mod tick;
mod unsupported;
mod wasi;
mod wiring;
mod world;

pub use app::Runtime;
pub use error::StartError;
pub use kobliat_telemetry::otlp::Settings as TelemetrySettings;
pub use kobliat_trigger_http::TlsOptions;
pub use log::{Level as LogLevel, Log};
pub use metrics_page::MetricsPage;
pub use options::{InstanceOptions, Options, SqlitePreset};
pub use overrides::profile;
pub use routes::RouteInfo;
pub use runtime_config::RuntimeConfig;
pub use state_dir::state_dir_of;
