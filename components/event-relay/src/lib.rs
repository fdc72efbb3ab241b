//! The event sink for stock Spin, which has no broker: takes what the outboxes send and forwards it to the subscribers at once.

pub mod http;
pub mod relay;
pub mod subscribers;

pub mod live;

sdk::service! { app: live::Live = live::Live, router: http::router() }
