//! The SDK through its public API: what every service relies on.

mod cursor;
mod database;
mod idempotency;
mod input;
mod routing;
mod time;
