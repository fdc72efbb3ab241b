//! A component with no capability: answers hello.

/// The exports. Their names are no symbols that a native library could have.
#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::{IntoResponse, Request};

    #[spin_sdk::http_service]
    async fn handle(_request: Request) -> impl IntoResponse {
        "hello\n"
    }
}
