//! Attachments, from `media` by HTTP.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use sdk::outgoing::{self, Outgoing};
use sdk::{Context, Response};
use serde_json::Value;

use crate::domain::services::{Attachment, CallError, State};

/// What is known of one has some 600 bytes.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;
/// 8 MiB: more than any channel takes with a message itself.
const MAX_FILE_BYTES: usize = 8 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn find(context: &Context, id: &str) -> Result<Option<Attachment>, CallError> {
    let Some(known) = document(context, &format!("/media/{id}")).await? else { return Ok(None) };
    let text = |name: &str| known.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let state = match known.get("status").and_then(Value::as_str) {
        Some("ready") => State::Ready,
        Some("failed") => State::Failed,
        _ => State::Pending,
    };
    let link = match state {
        State::Ready => document(context, &format!("/media/{id}/download")).await?.unwrap_or_default(),
        _ => Value::Null,
    };
    Ok(Some(Attachment {
        state,
        url: link.get("download_url").and_then(Value::as_str).unwrap_or_default().to_owned(),
        filename: text("filename"),
        mime_type: text("mime_type"),
        size: known.get("size").and_then(Value::as_u64).unwrap_or_default(),
    }))
}

pub async fn bytes(context: &Context, id: &str) -> Result<Vec<u8>, CallError> {
    let answer = get(context, &format!("/media/{id}/content"), MAX_FILE_BYTES).await?;
    match answer.status() {
        // One that was cut is none.
        StatusCode::OK if !answer.body().is_empty() => Ok(answer.into_body()),
        status => Err(CallError::Unavailable(format!("media answers {status}"))),
    }
}

/// `None` when there is no such attachment.
async fn document(context: &Context, path: &str) -> Result<Option<Value>, CallError> {
    let answer = get(context, path, MAX_DOCUMENT_BYTES).await?;
    match answer.status() {
        StatusCode::OK => Ok(serde_json::from_slice(answer.body()).ok()),
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(CallError::Unavailable(format!("media answers {status}"))),
    }
}

async fn get(context: &Context, path: &str, limit_bytes: usize) -> Result<Response, CallError> {
    let mut request = Outgoing::new(Method::GET, &format!("http://media.spin.internal{path}"), Vec::new());
    let context = Context { scopes: vec!["media:read".to_owned()], ..context.clone() };
    request.headers.extend(context.headers().into_iter().map(|(name, value)| (HeaderName::from_static(name), value)));
    let answer = outgoing::send(request, PATIENCE, limit_bytes).await;
    answer.map_err(|failure| CallError::Unavailable(format!("media: {failure}")))
}
