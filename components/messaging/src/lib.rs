//! The messaging service: messages, in order and once, and what became of them.

pub mod http;

pub mod domain;
pub mod events;
pub mod receipts;
pub mod rpc;
pub mod store;
mod view;

pub mod bindings;

use domain::Store;
use sdk::Clock;

/// What a handler works with.
pub struct App<S> {
    pub store: S,
    pub clock: Box<dyn Clock>,
}

impl<S: Store> App<S> {
    pub fn new(store: S, clock: impl Clock + 'static) -> Self {
        Self { store, clock: Box::new(clock) }
    }
}

/// The component: only here do the exports exist, because their symbols mean nothing to a native linker.
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use sdk::{Router, SystemClock, http::BODY_LIMIT_BYTES, sql::Spin};

    use super::{App, bindings, http, rpc, store::SqlStore};

    type Service = App<SqlStore<Spin>>;

    thread_local! {
        /// For the life of the instance, which serves many requests: its connections stay open.
        static SERVICE: (&'static Service, &'static Router<Service>) = (
            Box::leak(Box::new(App::new(SqlStore::new(Spin::new("messaging")), SystemClock))),
            Box::leak(Box::new(http::router())),
        );
    }

    #[spin_sdk::http_service]
    async fn handle(request: spin_sdk::http::Request) -> impl spin_sdk::http::IntoResponse {
        let (app, router) = SERVICE.with(|service| *service);
        sdk::http::serve(request, BODY_LIMIT_BYTES, async |request| router.handle(app, request).await).await
    }

    struct Component;
    bindings::export!(Component with_types_in bindings);

    impl rpc::Exported for Component {
        type Store = SqlStore<Spin>;

        fn app() -> &'static Service {
            SERVICE.with(|service| service.0)
        }
    }
}
