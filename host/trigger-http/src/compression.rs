//! Answers as clients accept them: gzip, br or zstd, where an answer is text and long enough for it.
//!
//! A component that encodes its answers itself, or forbids it (`Cache-Control: no-transform`), keeps them as they are. A
//! compressed answer is another representation, so it has an entity tag of its own: `"5"` becomes `"5+gzip"`, and what a
//! client sends back in `If-Match` and `If-None-Match` is `"5"` again before a component sees it.

mod begun;
mod body;
mod coding;
mod tags;

use begun::Begun;
use body::{Compressed, Encoder};
pub(crate) use coding::Coding;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use kobliat_engine::Body;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What is shorter gains nothing that a packet could carry.
const LEAST: u64 = 1024;

/// How long the length of an answer that does not announce it is waited for. One that is slower is streamed as it is.
const LOOK: Duration = Duration::from_millis(50);

/// Answers that are compressed at once: each has up to 2 MiB of state. What comes beyond it goes out as it is.
const AT_ONCE: usize = 64;

/// Digests of the bytes that the component sends: they would not fit.
const DIGESTS: [&str; 3] = ["content-digest", "digest", "content-md5"];

pub(crate) struct Compression {
    places: Arc<Semaphore>,
}

/// What a request says about it, read before its component gets it.
pub(crate) struct Wish {
    coding: Option<Coding>,
    is_head: bool,
    /// The request named a representation of this coding.
    named: Option<Coding>,
}

impl Wish {
    /// Also gives the component its own tags back.
    pub fn of(method: &Method, headers: &mut HeaderMap) -> Self {
        let named = tags::restore(headers);
        let coding = Coding::accepted(headers.get_all(ACCEPT_ENCODING).iter());
        Self { coding, is_head: method == Method::HEAD, named }
    }
}

impl Compression {
    pub fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    pub async fn apply(&self, wish: &Wish, mut response: Response<Body>) -> Response<Body> {
        if response.status() == StatusCode::NOT_MODIFIED {
            // It speaks of the representation that the client has.
            if let Some(coding) = wish.named {
                tags::mark(response.headers_mut(), coding);
            }
            return response;
        }
        if !may_be_compressed(&response) {
            return response;
        }
        vary(response.headers_mut());
        let Some(coding) = wish.coding else { return response };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return response };
        if wish.is_head {
            // As the answer to GET would be, where its length tells.
            if announced(&response).is_some_and(|length| length >= LEAST) {
                tell(response.headers_mut(), coding);
            }
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let body = match announced_by(&parts.headers, &body) {
            Some(length) if length < LEAST => return Response::from_parts(parts, body),
            Some(_) => body,
            None => match Begun::look(body, LEAST, LOOK).await {
                Begun::Short(body) => return Response::from_parts(parts, body),
                Begun::Long(body) => body,
            },
        };
        match Encoder::new(coding) {
            Ok(encoder) => {
                tell(&mut parts.headers, coding);
                Response::from_parts(parts, Compressed::new(body, encoder, place).boxed_unsync())
            }
            // There is no memory for it.
            Err(_) => Response::from_parts(parts, body),
        }
    }
}

fn may_be_compressed(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let Some(kind) = headers.get(CONTENT_TYPE) else { return false };
    is_text(kind)
        && response.status() != StatusCode::PARTIAL_CONTENT
        && response.status() != StatusCode::NO_CONTENT
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && !DIGESTS.iter().any(|name| headers.contains_key(*name))
        && !is_fixed(headers)
}

/// `Cache-Control: no-transform`.
fn is_fixed(headers: &HeaderMap) -> bool {
    headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|directive| directive.trim().eq_ignore_ascii_case("no-transform")))
}

/// Text gains much; what is compressed already gains nothing, and an event is sent when it happens.
fn is_text(kind: &HeaderValue) -> bool {
    let Ok(kind) = kind.to_str() else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/event-stream" => false,
        "application/json"
        | "application/javascript"
        | "application/xml"
        | "application/manifest+json"
        | "image/svg+xml" => true,
        kind => {
            kind.starts_with("text/")
                || (kind.starts_with("application/") && (kind.ends_with("+json") || kind.ends_with("+xml")))
        }
    }
}

fn announced(response: &Response<Body>) -> Option<u64> {
    announced_by(response.headers(), response.body())
}

fn announced_by(headers: &HeaderMap, body: &Body) -> Option<u64> {
    let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    said.or_else(|| body.size_hint().exact())
}

/// Caches learn that the answer depends on what the client accepts.
fn vary(headers: &mut HeaderMap) {
    const FIELD: &str = "accept-encoding";
    let is_named =
        headers.get_all(VARY).iter().filter_map(|value| value.to_str().ok()).any(|value| {
            value.split(',').map(str::trim).any(|field| field == "*" || field.eq_ignore_ascii_case(FIELD))
        });
    if !is_named {
        headers.append(VARY, HeaderValue::from_static(FIELD));
    }
}

fn tell(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    headers.remove(CONTENT_LENGTH);
    // Parts of what the component sends are no parts of this.
    headers.remove(ACCEPT_RANGES);
    tags::mark(headers, coding);
}

#[cfg(test)]
mod tests;
