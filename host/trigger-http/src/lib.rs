//! The HTTP trigger: from a socket to a component and back.
//!
//! [`server`] accepts and bounds connections, [`connection`] speaks HTTP/1.1 or HTTP/2 with [`tls`] or without, [`service`]
//! answers one request, [`site`] is what it serves by, [`router`] finds the component, [`headers`] tells the component what matched,
//! [`dispatch`] has the request there and its answer back. [`internal`] is the same way for requests between components,
//! [`public`] for those of a component to the application's own public routes.
//!
//! Clients may be slow, many, or hostile. [`rules`] says what they may: [`sockets`] bounds connections, [`intake`] reads bodies
//! before they take a place, [`places`] shares a component's places out, [`outgoing`] holds answers for slow readers,
//! [`memory`] counts what is held, and [`sweep`] gives up on those who only keep others waiting. [`compression`] makes answers shorter.

mod answers;
mod client;
mod compression;
mod connection;
mod dispatch;
mod drain;
pub mod forwarded;
pub mod headers;
mod intake;
pub mod internal;
mod memory;
mod outgoing;
mod places;
pub mod public;
pub mod router;
pub mod rules;
pub mod server;
pub mod service;
pub mod site;
mod sockets;
mod sweep;
pub mod tls;
mod traced;
mod wait;

pub use forwarded::{ForwardedHeader, Proxies};
pub use public::PublicRoutes;
pub use router::{Destination, Router};
pub use rules::Rules;
pub use server::{Server, ServerOptions};
pub use service::{AppInfo, MAX_HEAD_BYTES, Service};
pub use site::{Served, Site};
pub use tls::{Tls, TlsError, TlsOptions};
