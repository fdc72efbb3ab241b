//! Notifications for operators, and outbound webhooks to the endpoints of tenants (Standard Webhooks).
//!
//! `events` takes what the platform publishes; `notice` says what of it an operator should see; `endpoint`, `address`,
//! `signature`, `secrets` and `schedule` are the rules of webhooks, `delivery` sends them. `store` has the SQL, `http` the REST surface.

pub mod events;
pub mod http;

pub mod address;
pub mod delivery;
pub mod endpoint;
mod forgetting;
pub mod notice;
pub mod schedule;
pub mod secrets;
pub mod signature;

pub mod app;
pub mod live;
pub mod store;

sdk::schema!(store::MIGRATIONS);
sdk::service! { app: live::Live = live::Live::live(), router: http::router() }
