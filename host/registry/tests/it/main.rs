//! What is had from a registry: components, packages and applications.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod application;
mod component;
mod package;
mod server;
