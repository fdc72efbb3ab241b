//! The gateway's rules, natively, against services that live in memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic in a test says what is wrong; clippy knows only the functions marked as tests"
)]

mod app;
mod chat;
mod rest;
mod typed;
mod world;

mod answers;
mod api_keys;
mod authentication;
mod channels;
mod conversations;
mod cors;
mod customers;
mod details;
mod forwarding;
mod fuzz;
mod health;
mod hostile;
mod inbox;
mod jwt;
mod limits;
mod logs;
mod media;
mod messages;
mod oauth;
mod openapi;
mod passwords;
mod routing;
mod services;
mod store;
mod tenants;
mod tracing;
