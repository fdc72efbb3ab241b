//! The messaging service: messages, in order and once, and what became of them.

pub mod http;

pub mod answering;
pub mod delivery;
pub mod domain;
pub mod erasure;
pub mod events;
pub mod finding;
pub mod history;
pub mod media;
pub mod reading;
pub mod receipts;
pub mod rpc;
pub mod store;
mod view;

pub mod bindings;

sdk::service! {
    label: "messaging",
    migrations: store::MIGRATIONS,
    router: http::router().erasing(store::erased::ERASED),
    typed: bindings
}
