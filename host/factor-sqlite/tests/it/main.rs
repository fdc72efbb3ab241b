//! The SQLite factor: what it refuses at start, and what a guest gets from it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod guest;
mod probe;
mod start;
