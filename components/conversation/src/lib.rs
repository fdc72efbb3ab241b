//! The conversation service: who takes part, on which channel, and what was last said.

pub mod answers;
pub mod http;

pub mod changes;
pub mod domain;
pub mod events;
pub mod finding;
pub mod participants;
pub mod rpc;
pub mod store;
pub mod touch;
mod view;

pub mod bindings;

sdk::service! {
    label: "conversation",
    migrations: store::MIGRATIONS,
    router: http::router().erasing(store::erased::ERASED),
    typed: bindings
}
