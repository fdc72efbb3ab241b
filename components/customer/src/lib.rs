//! The customer service: the people (or systems) that a business talks to, and the channel identities by which they are known.

pub mod http;

pub mod domain;
pub mod erasure;
pub mod events;
pub mod finding;
pub mod matching;
pub mod number;
pub mod rpc;
pub mod store;
mod view;

pub mod bindings;

sdk::service! {
    label: "customer",
    migrations: store::MIGRATIONS,
    router: http::router().erasing(store::erased::ERASED),
    typed: bindings
}
