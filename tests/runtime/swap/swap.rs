//! Components that are exchanged, started and stopped while they are called.

mod admin;
mod load;
mod support;
mod swapping;
