//! Journeys through the real host with the real components. See README.md for what is where.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its message; clippy knows only the functions marked as tests"
)]

mod webhooks;

/// `kobliat up` as a process.
fn up() -> kobliat_e2e::Command {
    kobliat_e2e::Command::up(env!("CARGO_BIN_EXE_kobliat-e2e-host"))
}
