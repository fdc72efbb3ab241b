//! Calls `ponger` so many times, one call after the other: `/typed?100`, `/http?100`, and `/none` for a request without calls.
//!
//! Every answer is looked at. A call that fails or answers something else makes the whole request a 500, so that no failure is measured
//! as a quick call.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::body::IncomingBodyExt;
    use spin_sdk::http::{IntoResponse, Request, StatusCode, get};

    wit_bindgen::generate!({
        path: ["../../../wit/context", "../ponger/wit"],
        world: "kobliat:pong/pinger",
        generate_all,
    });
    use kobliat::context::types::Context;
    use kobliat::pong::pong::echo;

    const TEXT: &str = "018f3b2a-7c1e-7d5a-9f00-1234567890ab";

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let path = request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default());
        let calls = request.uri().query().and_then(|query| query.parse::<u32>().ok()).unwrap_or_default();
        match path {
            "/none" => told(Ok(())),
            "/typed" => told(typed(calls).await),
            "/http" => told(by_http(calls).await),
            _ => (StatusCode::NOT_FOUND, String::new()),
        }
    }

    async fn typed(calls: u32) -> Result<(), String> {
        for _ in 0..calls {
            let answer = echo(context(), TEXT.to_owned()).await.map_err(|error| error.to_string())?;
            check(answer.as_bytes())?;
        }
        Ok(())
    }

    async fn by_http(calls: u32) -> Result<(), String> {
        for _ in 0..calls {
            let answer =
                get(format!("http://ponger.spin.internal/?{TEXT}")).await.map_err(|error| error.to_string())?;
            if !answer.status().is_success() {
                return Err(format!("answered {}", answer.status()));
            }
            check(&answer.into_body().bytes().await.map_err(|error| error.to_string())?)?;
        }
        Ok(())
    }

    /// As a service fills it: what is copied for each call is part of its price.
    fn context() -> Context {
        Context {
            tenant: "default".to_owned(),
            principal: "component:pinger".to_owned(),
            scopes: vec!["*".to_owned()],
            request_id: "018f3b2a-7c1e-7d5a-9f00-ba0987654321".to_owned(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            deadline_ms: 10_000,
            idempotency_key: String::new(),
            extensions: Vec::new(),
        }
    }

    fn check(answer: &[u8]) -> Result<(), String> {
        if answer == TEXT.as_bytes() { Ok(()) } else { Err("the answer is not what was sent".to_owned()) }
    }

    fn told(outcome: Result<(), String>) -> (StatusCode, String) {
        match outcome {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(reason) => (StatusCode::INTERNAL_SERVER_ERROR, reason),
        }
    }
}
