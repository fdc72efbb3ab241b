//! The component engine: compilation, instances, limits and the workers that run guests.
//!
//! Reading order: [`engine`] makes the wasmtime engine, [`cache`] compiles components, [`state`] is what one instance
//! owns, [`factor`] is how a capability joins, [`pool`] takes jobs and [`worker`] runs them.

pub mod allowance;
pub mod budget;
pub mod cache;
pub mod context;
pub mod engine;
pub mod factor;
pub mod grant;
pub mod handler;
pub mod http_client;
pub mod job;
pub mod limits;
pub mod pause;
pub mod platform_host;
pub mod pool;
mod resources;
pub mod state;
pub mod stdio;
pub mod target;
pub mod trace;
pub mod worker;

pub use allowance::{Allowance, Exhausted, Held};
pub use cache::{CompileError, ComponentCache};
pub use context::CallContext;
pub use engine::{Engine, EngineOptions};
pub use factor::Factor;
pub use grant::{Grant, Labelled, Refused};
pub use handler::{Handler, HandlerError};
pub use http_client::{Body, HttpClient, SendError, Sending};
pub use job::{CallError, HttpFailure};
pub use limits::{Least, Limits};
pub use platform_host::{PlatformAnswer, PlatformHost, PlatformHosts};
pub use pool::{Counts, Pool, Room};
pub use state::{Probing, State, StateBuilder, current_context, current_trace};
pub use target::{Share, Target};
pub use worker::ComponentSpec;
