//! The admin surface: what an operator, the CLI and a trusted component may ask of a running host.
//!
//! [`Admin`] answers requests by groups of routes, which other crates put on it ([`RouteGroup`]); it knows none of
//! them. [`Listeners`] are the two ways in from outside: a unix socket in the state directory, for the user that runs the
//! host, and TCP with a bearer token on request. The third, `http://admin.kobliat.internal/`, is the runtime's.
//! [`Client`] is the CLI's side.

mod client;
mod listeners;
mod problem;
mod request;
mod router;
mod socket;
mod token;

pub use client::{Client, ClientError};
pub use listeners::Listeners;
pub use problem::Problem;
pub use request::{AdminRequest, Caller};
pub use router::{Admin, Answer, Reply, RouteGroup};
pub use socket::socket_in;
