//! Components that are exchanged, started and stopped while they are called.

mod admin;
mod load;
mod manifest;
mod support;
mod swapping;
mod watch;
