//! Inbound webhooks: stored first, then made into customers, conversations, messages and receipts.
//!
//! `http` takes a webhook and checks who sent it, `channel` says what it means, `domain` makes it happen and finishes what
//! was left unfinished, `store` and `clients` reach the database and the services.

pub mod http;

pub mod channel;
pub mod domain;
pub mod store;

mod bindings;
mod clients;
mod live;

use std::rc::Rc;

use live::Live;
use spin_sdk::http::{IntoResponse, Request};

thread_local! {
    static LIVE: Rc<Live> = Rc::new(Live::new());
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let live = LIVE.with(Rc::clone);
    let router = http::router();
    sdk::http::serve(request, http::BODY_LIMIT_BYTES, async |request| router.handle(&*live, request).await).await
}
