//! The gateway from the outside: a webhook goes in, customers, conversations and messages come out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else than it expects is to fail there"
)]

mod accounts;
mod attachments;
mod channels;
mod conclusions;
mod contents;
mod envelope;
mod http;
mod junk;
mod receive;
mod review;
mod sql;
mod support;
mod tick;
