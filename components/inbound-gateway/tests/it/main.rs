//! The gateway from the outside: a webhook goes in, customers, conversations and messages come out.

mod contents;
mod envelope;
mod http;
mod junk;
mod receive;
mod sql;
mod support;
mod tick;
