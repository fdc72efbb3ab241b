//! The broker through its public API: what every engine must do (`conformance`, `model`), and deliveries with subscribers made
//! for the test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod conformance;
mod delivery;
mod engines;
mod full;
mod model;
