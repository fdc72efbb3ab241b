//! Components that are exchanged, started and stopped while they are called.

mod admin;
mod support;
