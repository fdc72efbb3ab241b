//! The gateway's rules, natively, against services that live in memory.

mod app;
mod rest;
mod world;

mod authentication;
mod conversations;
mod details;
mod forwarding;
mod health;
mod hostile;
mod messages;
mod routing;
mod store;
mod tracing;
