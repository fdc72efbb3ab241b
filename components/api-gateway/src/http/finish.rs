//! What every answer gets at its end: where a new thing is, and whether the client already has what it asks for.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, DATE, ETAG, EXPIRES, IF_NONE_MATCH, LINK, LOCATION, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use serde::Deserialize;

use crate::clients::{Body, Settings};
use crate::problem;
use crate::reply::buffered;
use crate::routes::{API_PREFIX, Route, Service};
use sdk::{Problem, etag};

/// A record that was made: a message of 1 MiB at most, whose escapes may double it.
const MAX_MADE_BYTES: usize = 4 * 1024 * 1024;

/// What a 304 keeps of the headers of the 200 (RFC 9110, 15.4.5); what is the gateway's own comes after this.
const KEPT: [HeaderName; 6] = [CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, VARY];

/// Every 201 says where what was made is found. `path` is that of the request, below the prefix.
pub(super) async fn located(route: &Route, path: &str, answer: Response<Body>) -> Result<Response<Body>, Problem> {
    if answer.status() != StatusCode::CREATED || answer.headers().contains_key(LOCATION) {
        return Ok(answer);
    }
    let (mut parts, body) = answer.into_parts();
    let body = Limited::new(body, MAX_MADE_BYTES).collect().await;
    let body = body.map_err(|_broken_off| problem::bad_answer(route.service().unwrap_or(Service::Media)))?.to_bytes();
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    parts.headers.extend(location(route, path, &body).map(|location| (LOCATION, location)));
    Ok(Response::from_parts(parts, buffered(body)))
}

fn location(route: &Route, path: &str, made: &Bytes) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    let Made { id } = serde_json::from_slice(made).ok()?;
    let collection = route.doc.made_in.unwrap_or(path);
    HeaderValue::from_str(&format!("{API_PREFIX}{collection}/{id}")).ok()
}

/// 304 for a GET of what the client already has (RFC 9110, 13.1.2).
pub(super) fn conditional(method: &Method, asked: &HeaderMap, answer: Response<Body>) -> Response<Body> {
    let is_read = matches!(*method, Method::GET | Method::HEAD) && answer.status() == StatusCode::OK;
    let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    let has_it = tag.is_some_and(|tag| etag::is_named(asked.get_all(IF_NONE_MATCH), tag));
    if !is_read || !has_it {
        return answer;
    }
    let mut parts = answer.into_parts().0;
    parts.status = StatusCode::NOT_MODIFIED;
    let kept = KEPT.into_iter().filter_map(|name| parts.headers.remove(&name).map(|value| (name, value))).collect();
    parts.headers = kept;
    Response::from_parts(parts, spin_sdk::http::box_body(Empty::new()))
}

/// The path at which the world reaches the platform, without a slash at its end: that of `public_base_url`.
pub(super) async fn public_prefix(settings: &impl Settings) -> String {
    let base = settings.variable("public_base_url").await.unwrap_or_default();
    let path = base.parse::<http::Uri>().map(|base| base.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

/// Paths in headers as the world knows them.
pub(super) async fn under_prefix(settings: &impl Settings, answer: &mut Response<Body>) {
    let has_paths = answer.headers().contains_key(LOCATION) || answer.headers().contains_key(LINK);
    let prefix = if has_paths { public_prefix(settings).await } else { String::new() };
    if prefix.is_empty() {
        return;
    }
    for (name, own) in [(LOCATION, API_PREFIX.to_owned()), (LINK, format!("<{API_PREFIX}"))] {
        let Some(value) = answer.headers().get(&name).and_then(|value| value.to_str().ok()) else { continue };
        let is_path = value.starts_with(&own);
        let moved = value.replacen(API_PREFIX, &format!("{prefix}{API_PREFIX}"), 1);
        if let (true, Ok(moved)) = (is_path, HeaderValue::from_str(&moved)) {
            answer.headers_mut().insert(name, moved);
        }
    }
}
