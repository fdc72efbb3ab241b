//! Tests of outbound delivery: the real statements on SQLite in memory, and providers that answer in their real words.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else than it expects is to fail there"
)]

mod accounts;
mod attachments;
mod beginning;
mod bounds;
mod classes;
mod clocks;
mod crashes;
mod delivering;
mod http;
mod limits;
mod requests;
mod settling;
mod stops;
mod support;
mod threads;
