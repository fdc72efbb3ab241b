//! Outbound HTTP for guests: allow-lists, one pooled client a component, virtual hosts in process.
//!
//! [`outbound`] makes the clients, [`client`] decides where a request may go, [`connector`] where a connection may: names are resolved here, and the
//! address that was checked is the one that is connected. [`body`] is what a guest still
//! sends when nobody reads it. [`Download`] is the host's own way to a file.

mod body;
pub mod client;
mod connection;
pub mod connector;
mod download;
pub mod outbound;
mod tls;

pub use client::VirtualHosts;
pub use download::{Download, DownloadError};
pub use outbound::{ComponentHttp, HttpOptions, OutboundHttp};
pub use tls::ClientTls;
