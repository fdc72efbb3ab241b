//! Whole manifests: good ones and what they mean, bad ones and exactly what is said about them.

#![allow(clippy::unwrap_used, reason = "a test may panic; clippy.toml only reaches the test functions themselves")]

mod bad;
mod good;
mod properties;
