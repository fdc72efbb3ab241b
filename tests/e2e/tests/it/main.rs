//! Journeys through the real host with the real components. README.md says what is where.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its message; clippy knows only the functions marked as tests"
)]

mod batches;
mod beginning;
mod channels;
mod gemini;
mod outbound;
mod simulated_runs;
mod simulator;
mod statuses;
mod webhooks;

mod contract;
mod conventions;
mod conversations;
mod customers;
mod documented;
mod forgetting;
mod idempotency;
mod inbox;
mod media;
mod messages;
mod paging;
mod tenants;

mod forged;
mod hostile_http;
mod hostile_input;
mod hostile_webhooks;
mod strangers;

mod compiling;
mod events;
mod example;
mod faults;
mod from_a_registry;
mod full_disk;
mod killed_swaps;
mod kills;
mod modes;
mod new;
mod portable;
mod refused_starts;
mod shutdown;
mod swaps;
mod tick;

mod people;

/// `kobliat up` as a process.
fn up() -> kobliat_e2e::Command {
    kobliat_e2e::Command::up(env!("CARGO_BIN_EXE_kobliat-e2e-host"))
}
