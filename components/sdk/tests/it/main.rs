//! The SDK through its public API: what every service relies on.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod cursor;
mod database;
mod events;
mod idempotency;
mod input;
mod outbox;
mod plans;
mod routing;
mod time;
