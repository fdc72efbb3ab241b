//! Outbound delivery: queued messages go to their channel's provider, once, or end where an operator sees why.
//!
//! `http` takes the orders, `domain` decides and keeps what was tried, `provider` speaks each provider's language, `store` and
//! `clients` reach the database and the services.

pub mod http;

pub mod domain;
pub mod provider;
pub mod store;

pub mod clients;
pub mod live;

mod bindings;

sdk::schema!(store::MIGRATIONS);
sdk::service! {
    app: live::Live = live::Live::new(),
    router: http::router().platform(sdk::erase::PATH, async |live: &live::Live, request| {
        sdk::erase::answer(live.database(), store::erased::ERASED, &request).await
    })
}
