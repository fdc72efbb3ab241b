//! Composition root: puts manifest, engine, triggers, links and factors together and runs them.
//!
//! [`Runtime::start`] reads everything, refuses what is wrong, and only then serves. Reading order: [`options`],
//! [`runtime_config`], [`state_dir`], [`components`] (bytes to compiled), [`wiring`] (links), [`instances`] (compiled to
//! pools), [`tick`], [`app`].

pub mod app;
mod components;
mod error;
mod instances;
pub mod options;
pub mod runtime_config;
mod state_dir;
mod tick;
mod unsupported;
mod wiring;

pub use app::{RouteInfo, Runtime};
pub use error::StartError;
pub use options::Options;
pub use runtime_config::RuntimeConfig;
