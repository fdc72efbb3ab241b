//! Outbound HTTP for guests: allow-lists, one pooled client a component, virtual hosts in process.
//!
//! [`client`] decides where a request may go, [`connector`] where a connection may: names are resolved here, and the
//! address that was checked is the one that is connected.

pub mod client;
pub mod connector;
pub mod networks;

pub use client::{OutboundHttp, VirtualHosts};
