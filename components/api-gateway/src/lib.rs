//! api-gateway: the front door of the public API. See the README for its routes and rules.

pub mod bindings;
pub mod http;
pub mod routes;

pub mod auth;
mod cors;
pub mod credentials;
pub mod jwt;
pub mod keys;
mod limits;
pub mod logs;
pub mod scopes;
mod secret;
pub mod tenants;
pub mod throttle;
pub mod tokens;
pub mod trace;
pub mod users;

mod admin;
mod aggregate;
mod call;
mod chores;
mod deadline;
mod docs;
pub mod domain;
mod forward;
mod health;
mod input;
mod json;
pub mod openapi;
mod problem;
mod reply;

pub mod circuits;
pub mod clients;
pub mod platform;
pub mod store;

use std::rc::Rc;

use spin_sdk::http::{IntoResponse, Request, box_body};

use crate::http::Gateway;
use crate::platform::Platform;

sdk::schema!(store::MIGRATIONS);

thread_local! {
    /// One for all requests of an instance.
    static GATEWAY: Rc<Gateway<Platform>> = Rc::new(Gateway::new(Platform::default()));
}

// Only in the component: the exports' names are none that a native linker takes.
#[cfg_attr(target_arch = "wasm32", spin_sdk::http_service)]
pub async fn handle(request: Request) -> impl IntoResponse {
    let gateway = GATEWAY.with(Rc::clone);
    gateway.handle(request.map(box_body)).await
}
