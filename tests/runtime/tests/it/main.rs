//! Host behaviour: each folder beside this one has an application and the tests that run it on the host, in process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support {
    pub mod client;
    pub mod guests;
    pub mod host;
    pub mod server;
}

#[path = "../../cpu/cpu.rs"]
mod cpu;
#[path = "../../traps/traps.rs"]
mod traps;
