//! The host's own surface (`http://admin.kobliat.internal/`): which components run, their logs, and the events that nobody took.
//! Stock Spin has none; what needs it is then 503.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use crate::call::Call;
use crate::clients::{Elsewhere, SendError, Timer};
use crate::deadline::within;
use sdk::{Context, Problem, log};

const HOST: &str = "http://admin.kobliat.internal";
/// Stopping a component waits for its requests, so this is longer than a service may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Ten thousand lines of a log.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Asks the host and gives its document; what it refuses is a client's mistake in the host's words. `path` begins with `/` and is escaped.
pub async fn ask<B: Elsewhere + Timer>(
    outside: &B,
    context: &Context,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Value, Problem> {
    let work = async {
        let mut request = Request::builder().method(method).uri(format!("{HOST}{path}"));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body).map_err(|error| SendError::Failed(error.to_string()))?;
        let (parts, body) = outside.fetch(request).await?.into_parts();
        let body = Limited::new(body, MAX_BYTES).collect().await;
        let body = body.map_err(|error| SendError::Failed(error.to_string()))?.to_bytes();
        Ok((parts.status, body))
    };
    let answer = within(outside, DEADLINE, work).await.unwrap_or(Err(SendError::TimedOut));
    let (status, body) = answer.map_err(|error| no_host(context, &error))?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(value);
    }
    Err(refused(context, status, &value))
}

fn no_host(context: &Context, error: &SendError) -> Problem {
    log::warn(context, "the host's surface does not answer", &[("reason", &format!("{error:?}"))]);
    Problem::unavailable("this host does not let its components be operated, or does not answer")
}

/// A client's mistake is told in the host's words, which name components and nothing else.
fn refused(context: &Context, status: StatusCode, value: &Value) -> Problem {
    let detail = value.get("detail").and_then(Value::as_str).unwrap_or("the host refused it").to_owned();
    match status {
        StatusCode::NOT_FOUND => Problem::new(status, "not_found", detail),
        StatusCode::CONFLICT => Problem::conflict(detail),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Problem::invalid_field("", detail),
        _ => {
            log::warn(context, "the host's surface refused", &[("status", &status), ("reason", &detail)]);
            Problem::bad_gateway("the host failed to do it")
        }
    }
}

/// As the gateway's own call, for whom it is made.
pub async fn get<B: Elsewhere + Timer>(outside: &B, call: &Call<'_>, path: &str) -> Result<Value, Problem> {
    ask(outside, &call.context, Method::GET, path, Bytes::new()).await
}
