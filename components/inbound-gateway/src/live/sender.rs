//! outbound-gateway, by HTTP: a typed interface would have to be composed with all that it needs itself.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Method};
use sdk::Context;
use sdk::outgoing::{self, Outgoing};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::sending::{Sender, Stop};

const CHANNELS: &str = "http://outbound-gateway.spin.internal/channels";
const PATIENCE: Duration = Duration::from_secs(3);
/// Of a hundred stops with their reasons.
const ANSWER_LIMIT_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, Debug, Default)]
pub struct Outbound;

impl Sender for Outbound {
    async fn stops(&self, context: &Context) -> Result<Vec<Stop>, String> {
        #[derive(Deserialize)]
        struct Stopped {
            data: Vec<Stop>,
        }
        let (status, body) = ask(context, Method::GET, "stopped", Value::Null).await?;
        match status {
            200 => serde_json::from_slice(&body)
                .map(|stopped: Stopped| stopped.data)
                .map_err(|error| format!("outbound-gateway: {error}")),
            status => Err(format!("outbound-gateway answers {status}")),
        }
    }

    async fn start(&self, context: &Context, channel: &str, account: &str) -> Result<bool, String> {
        let which = json!({ "channel": channel, "channel_account_id": account });
        match ask(context, Method::POST, "start", which).await?.0 {
            200 => Ok(true),
            404 => Ok(false),
            status => Err(format!("outbound-gateway answers {status}")),
        }
    }
}

async fn ask(context: &Context, method: Method, path: &str, body: Value) -> Result<(u16, Vec<u8>), String> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut headers = HeaderMap::new();
    let context = Context { idempotency_key: String::new(), ..context.clone() };
    headers.extend(context.headers().into_iter().map(|(name, value)| (HeaderName::from_static(name), value)));
    if !body.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    let request = Outgoing { headers, ..Outgoing::new(method, &format!("{CHANNELS}/{path}"), body) };
    let answer = outgoing::send(request, PATIENCE, ANSWER_LIMIT_BYTES).await;
    let answer = answer.map_err(|failure| format!("outbound-gateway: {failure}"))?;
    Ok((answer.status().as_u16(), answer.into_body()))
}
