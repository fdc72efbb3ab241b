//! The event broker: takes CloudEvents durably, and delivers them to the components that subscribe.
//!
//! [`event`] and [`cloudevents`] are what goes in and out; [`intake`] answers publishers; [`engine`] is what keeps the events
//! (a trait, with [`sqlite`] as the embedded one); [`dispatch`] delivers one subscription's, [`attempt`] is one try and
//! [`verdict`] what its answer means; [`broker`] holds it all together; [`admin`] is the operator's side.
//!
//! No wasmtime here: the runtime says how a component is reached ([`Handler`]).

pub mod admin;
mod announce;
mod attempt;
pub mod broker;
pub mod clock;
pub mod cloudevents;
mod dispatch;
pub mod engine;
pub mod event;
mod intake;
mod problem;
mod published;
pub mod schedule;
pub mod sqlite;
pub mod subscription;
mod verdict;

pub use attempt::{Handler, Undelivered};
pub use broker::{Backlog, Broker, Options};
pub use event::Event;
pub use intake::MAX_BODY;
pub use schedule::Schedule;
pub use sqlite::SqliteEngine;
pub use subscription::{Interest, Subscription};
