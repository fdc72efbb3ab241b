//! Tests of outbound delivery: the real statements on SQLite in memory, and providers that answer in their real words.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else than it expects is to fail there"
)]

mod accounts;
mod attachments;
mod classes;
mod crashes;
mod delivering;
mod http;
mod requests;
mod stops;
mod support;
