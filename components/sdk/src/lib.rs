//! The guest library: what every Kobliat service needs to be a guest, and no domain noun.
//!
//! In reading order: a [`http::Request`] comes in, the [`router`] finds its handler, [`input`] and [`query`] decode it,
//! [`sql`] stores it (with its [`outbox`] event and [`idempotency`] answer in one transaction), [`response`] or
//! [`problem`] tells the result. Everything here runs natively too, so that the services' tests need no wasm.

pub mod http;
pub mod router;
pub mod service;

pub mod error;
pub mod input;
pub mod merge;
pub mod pagination;
pub mod period;
pub mod problem;
pub mod query;
pub mod response;
pub mod strict;

pub mod clock;
pub mod config;
pub mod context;
pub mod etag;
pub mod health;
pub mod ids;
pub mod log;
pub mod words;

pub mod erase;
pub mod event;
pub mod idempotency;
pub mod outbox;
pub mod outgoing;
pub mod search;
pub mod sql;
pub mod sweep;
pub mod vault;

#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub mod testing;

pub use clock::{Clock, Micros, SystemClock};
pub use context::Context;
pub use error::{Error, invalid};
pub use event::Event;
pub use http::{Request, Response};
pub use input::Input;
pub use problem::Problem;
pub use router::{Outcome, Router};
pub use service::App;
