//! The simulator on its real SQL, in memory, in front of a small platform that lives in the test.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

mod app;
mod channels;
mod world;

mod accounts;
mod answering;
mod batch;
mod conformance;
mod emulator;
mod gemini;
mod plans;
mod run;
mod simulate;
