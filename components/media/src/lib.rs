//! The media service: attachments of messages, from their bytes to signed links.
//!
//! `http` decides which requests stream; `upload` takes bytes in and `content` gives them out; `sniff`, `picture`, `filename`, `range` and
//! `signature` are the rules, each alone; `domain` is what an attachment is, `storage` where bytes are, `store` has the SQL.

pub mod http;

pub mod content;
pub mod rpc;
pub mod upload;

pub mod domain;
pub mod filename;
pub mod picture;
pub mod quota;
pub mod range;
pub mod signature;
pub mod sniff;

pub mod app;
pub mod live;
pub mod storage;
pub mod store;
mod view;

pub mod bindings;

sdk::schema!(store::MIGRATIONS);

/// The component: only here do the exports exist, because their symbols mean nothing to a native linker. Written out, because
/// `sdk::service!` reads bodies whole.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use super::{bindings, http, live::Live, rpc::Lent};

    thread_local! {
        static SERVICE: &'static http::Running<Live> = http::Running::start(Live::live());
    }

    #[spin_sdk::http_service]
    async fn handle(request: spin_sdk::http::Request) -> impl spin_sdk::http::IntoResponse {
        SERVICE.with(|service| *service).handle(request.map(spin_sdk::http::box_body)).await
    }

    struct Component;
    bindings::export!(Component with_types_in bindings);

    impl Lent for Component {
        type Driver = sdk::sql::Spin;
        type Platform = super::live::Host;

        fn app() -> &'static Live {
            &SERVICE.with(|service| *service).app
        }
    }
}
