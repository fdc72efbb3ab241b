//! The platform's services, asked as the gateway asks them for a tenant.

use std::time::Duration;

use ::http::{HeaderName, Method, StatusCode, header};
use sdk::{Context, outgoing::Outgoing, sql::Driver};
use serde_json::Value;

use crate::app::{App, World};

const PATIENCE: Duration = Duration::from_secs(10);

/// Status and body of the answer; an error says why there is none.
pub async fn ask<D: Driver, W: World>(
    app: &App<D, W>,
    tenant: &str,
    method: Method,
    service: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, Value), String> {
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let mut request = Outgoing::new(method, &format!("http://{service}.spin.internal{path}"), bytes);
    if body.is_some() {
        request.header(header::CONTENT_TYPE, "application/json");
    }
    let context = Context {
        tenant: tenant.to_owned(),
        principal: "component:chat-simulator".to_owned(),
        scopes: vec!["*".to_owned()],
        ..Context::default()
    };
    let headers = context.headers().into_iter();
    request.headers.extend(headers.map(|(name, value)| (HeaderName::from_static(name), value)));
    let answer = app.world.send(request, PATIENCE).await.map_err(|failure| format!("{service}: {failure}"))?;
    let body = serde_json::from_slice(answer.body());
    match answer.status() {
        StatusCode::OK => body.map(|body| (StatusCode::OK, body)).map_err(|e| format!("{service}: {e}")),
        status => Ok((status, body.unwrap_or_default())),
    }
}
