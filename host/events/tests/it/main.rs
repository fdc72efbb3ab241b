//! The broker through its public API.
