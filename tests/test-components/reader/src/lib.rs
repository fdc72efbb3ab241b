//! Reads one customer so many times, one after the other, in the words of the gateway: `/typed?100`, `/http?100`, and `/none` for a request
//! without reads.
//!
//! Every answer is looked at. A read that fails or answers something else makes the whole request a 500, so that no failure is measured
//! as a quick read.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::body::IncomingBodyExt;
    use spin_sdk::http::{EmptyBody, IntoResponse, Request, StatusCode, send};

    wit_bindgen::generate!({
        path: ["../../../wit/context", "../../../wit/customers"],
        world: "kobliat:customers/client",
        generate_all,
    });
    use kobliat::context::types::Context;
    use kobliat::customers::customers::{Contact, Identity, get_many, resolve_many};

    const TENANT: &str = "default";
    const PRINCIPAL: &str = "component:reader";
    const SCOPES: &str = "*";
    const REQUEST: &str = "018f3b2a-7c1e-7d5a-9f00-ba0987654321";
    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let path = request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default());
        let reads = request.uri().query().and_then(|query| query.parse::<u32>().ok()).unwrap_or_default();
        let id = match customer().await {
            Ok(id) => id,
            Err(reason) => return (StatusCode::INTERNAL_SERVER_ERROR, reason),
        };
        match path {
            "/none" => told(Ok(())),
            "/typed" => told(typed(&id, reads).await),
            "/http" => told(by_http(&id, reads).await),
            _ => (StatusCode::NOT_FOUND, String::new()),
        }
    }

    /// The same one each time, made by the first who asks.
    async fn customer() -> Result<String, String> {
        let identity = Identity {
            channel_account_id: "reads".to_owned(),
            kind: "phone".to_owned(),
            value: "16505551234".to_owned(),
        };
        let contact =
            Contact { external_type: "whatsapp".to_owned(), identities: vec![identity], name: Some("Ada".to_owned()) };
        let found = resolve_many(context(), vec![contact]).await.map_err(|error| error.to_string())?;
        let one = found.into_iter().next().ok_or("no customer")?.map_err(|error| error.to_string())?;
        Ok(one.id)
    }

    async fn typed(id: &str, reads: u32) -> Result<(), String> {
        for _ in 0..reads {
            let found = get_many(context(), vec![id.to_owned()]).await.map_err(|error| error.to_string())?;
            if !matches!(found.as_slice(), [one] if one.id == id) {
                return Err("the answer is not the customer".to_owned());
            }
        }
        Ok(())
    }

    async fn by_http(id: &str, reads: u32) -> Result<(), String> {
        for _ in 0..reads {
            let request = Request::<()>::get(format!("http://customer.spin.internal/customers/{id}"))
                .header("kobliat-tenant", TENANT)
                .header("kobliat-principal", PRINCIPAL)
                .header("kobliat-scopes", SCOPES)
                .header("x-request-id", REQUEST)
                .header("traceparent", TRACEPARENT)
                .body(EmptyBody::new())
                .map_err(|error| error.to_string())?;
            let answer = send(request).await.map_err(|error| error.to_string())?;
            if !answer.status().is_success() {
                return Err(format!("answered {}", answer.status()));
            }
            let body = answer.into_body().bytes().await.map_err(|error| error.to_string())?;
            if !String::from_utf8_lossy(&body).contains(id) {
                return Err("the answer is not the customer".to_owned());
            }
        }
        Ok(())
    }

    fn context() -> Context {
        Context {
            tenant: TENANT.to_owned(),
            principal: PRINCIPAL.to_owned(),
            scopes: vec![SCOPES.to_owned()],
            request_id: REQUEST.to_owned(),
            traceparent: TRACEPARENT.to_owned(),
            deadline_ms: 5_000,
            idempotency_key: String::new(),
            extensions: Vec::new(),
        }
    }

    fn told(outcome: Result<(), String>) -> (StatusCode, String) {
        match outcome {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(reason) => (StatusCode::INTERNAL_SERVER_ERROR, reason),
        }
    }
}
