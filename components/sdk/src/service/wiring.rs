//! `sdk::service!`: the last lines of a service's `lib.rs`.

/// Makes the crate a component: its HTTP export, and with `typed: bindings` the interface that `mod bindings` generates
/// (implemented for every [`Exported`](crate::service::Exported) in `rpc.rs`).
///
/// ```ignore
/// sdk::service! { label: "customer", migrations: store::MIGRATIONS, router: http::router(), typed: bindings }
/// ```
///
/// A service that needs more than a database and a clock brings its own type, which implements [`Service`](crate::service::Service):
///
/// ```ignore
/// sdk::service! { app: Live = Live::new(), router: http::router() }
/// ```
#[macro_export]
macro_rules! service {
    (label: $label:literal, migrations: $migrations:expr, router: $router:expr $(, typed: $bindings:ident)? $(,)?) => {
        $crate::schema!($migrations);
        $crate::service! {
            app: $crate::App<$crate::sql::Database<$crate::sql::Spin>> = $crate::App::live($label, $migrations),
            router: $router
            $(, typed: $bindings)?
        }
    };
    (app: $app:ty = $make:expr, router: $router:expr $(, typed: $bindings:ident)? $(,)?) => {
        /// The component: only here do the exports exist, because their symbols mean nothing to a native linker.
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the generated exports speak the canonical ABI")]
        mod component {
            use super::*;

            ::std::thread_local! {
                static SERVICE: $crate::service::Running<$app> = $crate::service::Running::start($make, $router);
            }

            #[::spin_sdk::http_service]
            async fn handle(request: ::spin_sdk::http::Request) -> impl ::spin_sdk::http::IntoResponse {
                SERVICE.with(|running| *running).serve(request).await
            }

            $(
                struct Component;
                $bindings::export!(Component with_types_in $bindings);

                impl $crate::service::Exported for Component {
                    type Store = $crate::sql::Database<$crate::sql::Spin>;

                    fn app() -> $crate::service::Call<$app> {
                        $crate::service::Call::to(SERVICE.with(|running| running.service))
                    }
                }
            )?
        }
    };
}
