//! Cross-origin requests: which pages of other sites may call the API from a browser.
//!
//! No cookie is ever a credential here, so that a page can do nothing in the name of who reads it without having a key itself.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, ORIGIN, VARY,
};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Empty;

use crate::clients::Body;

const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Traceparent, X-API-Key, X-Request-Id",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
);
/// Two hours: no browser remembers it longer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// What the origin of a request may be told: `*`, itself, or nothing. `allowed` is the variable `cors_origins`.
pub fn allowed_origin(allowed: Option<&str>, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    match listed(allowed?).find(|one| *one == "*" || one.eq_ignore_ascii_case(text)) {
        Some("*") => Some(HeaderValue::from_static("*")),
        found => found.map(|_| origin.clone()),
    }
}

fn listed(allowed: &str) -> impl Iterator<Item = &str> {
    allowed.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty())
}

/// Whether browsers have origins like these: with a path, or without a scheme, one would never be found.
pub fn check(allowed: &str) -> Result<(), String> {
    let is_origin = |one: &str| {
        one == "null"
            || one
                .split_once("://")
                .is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty() && !host.contains('/'))
    };
    match listed(allowed).find(|one| *one != "*" && !is_origin(one)) {
        Some(wrong) => Err(format!("`{wrong}` is no origin like https://app.example.com")),
        None => Ok(()),
    }
}

/// Whether a browser asks before it sends the request proper.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// It carries no credential, so that it is answered to anybody, and the same for every path.
pub fn preflight(origin: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(spin_sdk::http::box_body(Empty::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    if origin.is_some() {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    tell(&mut response, origin);
    response
}

/// The answer may be read by this origin.
pub fn tell(response: &mut Response<Body>, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    let headers = response.headers_mut();
    if origin != "*" {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}
