//! The caller: `/<name>` is answered with the greeter's greeting.

mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "client", generate_all });
}

use bindings::{{ident}}::greeter::greeter::{Error, greet};
use spin_sdk::http::{IntoResponse, Request, StatusCode};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let name = request.uri().path().trim_start_matches('/').to_owned();
    match greet(name).await {
        Ok(greeting) => (StatusCode::OK, greeting + "\n"),
        Err(Error::Nobody) => (StatusCode::BAD_REQUEST, "say whom to greet: /<name>\n".to_owned()),
        Err(Error::Unavailable(reason)) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
        Err(Error::Other(reason)) => (StatusCode::BAD_GATEWAY, reason + "\n"),
    }
}
