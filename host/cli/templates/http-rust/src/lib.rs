//! Answers every request with a greeting.

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    format!("Hello from {{name}}: {} {}\n", request.method(), request.uri().path())
}
