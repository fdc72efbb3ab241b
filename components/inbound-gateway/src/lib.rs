//! Inbound webhooks: stored first, then made into customers, conversations, messages and receipts.
//!
//! `attachments` fetches the files of messages that are stored already.
//!
//! `http` takes a webhook, `channel` says who may send it and what it means, `domain` checks that, makes it happen and finishes what
//! was left unfinished, `accounts` are ours with the providers, `store` and `clients` reach the database and the services.

pub mod http;

pub mod accounts;
pub mod attachments;
pub mod channel;
pub mod domain;
pub mod store;

pub mod clients;
pub mod live;

mod bindings;

sdk::schema!(store::MIGRATIONS);

/// The component: only here does the export exist, because its symbol means nothing to a native linker.
#[cfg(target_arch = "wasm32")]
mod component {
    use sdk::Router;
    use spin_sdk::http::{IntoResponse, Request};

    use super::http::{intake, router};
    use super::live::Live;

    thread_local! {
        /// For the life of the instance, which serves many requests: its connection stays open.
        static GATEWAY: (&'static Live, &'static Router<Live>) =
            (Box::leak(Box::new(Live::new())), Box::leak(Box::new(routes())));
    }

    fn routes() -> Router<Live> {
        router().platform(sdk::erase::PATH, async |live: &Live, request| live.erase(request).await)
    }

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let (live, router) = GATEWAY.with(|gateway| *gateway);
        let take = async |request: &mut sdk::Request, body| intake::read(live, request, body).await;
        sdk::http::serve_reading(request, take, async |request| router.handle(live, request).await).await
    }
}
