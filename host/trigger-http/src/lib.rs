//! The HTTP trigger: from a socket to a component and back.
//!
//! [`server`] accepts and bounds connections, [`connection`] speaks HTTP/1.1 or HTTP/2 with [`tls`] or without, [`service`]
//! answers one request, [`site`] is what it serves by, [`router`] finds the component, [`headers`] tells the component what matched, [`internal`] is the
//! same way for requests between components, [`public`] for those of a component to the application's own public routes.

mod answers;
mod client;
mod connection;
mod drain;
pub mod headers;
pub mod internal;
pub mod public;
pub mod router;
pub mod server;
pub mod service;
pub mod site;
pub mod tls;
mod traced;

pub use public::PublicRoutes;
pub use router::{Destination, Router};
pub use server::{Server, ServerOptions};
pub use service::{AppInfo, MAX_HEAD_BYTES, Service};
pub use site::{Served, Site};
pub use tls::{Tls, TlsError, TlsOptions};
