//! The answers that the host gives itself: static ones, refusals, and what it says when a component fails.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use kobliat_engine::{Body, HttpFailure, Target};
use kobliat_manifest::StaticResponse;
use tracing::{debug, warn};

/// The client learns the kind of failure, the log the rest.
pub(crate) fn failure(target: &Target, request_id: &str, failure: &HttpFailure) -> Response<Body> {
    let component = target.component();
    let status = match failure {
        HttpFailure::Overloaded | HttpFailure::Stopped | HttpFailure::TooDeep => StatusCode::SERVICE_UNAVAILABLE,
        HttpFailure::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        HttpFailure::Timeout => StatusCode::GATEWAY_TIMEOUT,
        HttpFailure::Crashed | HttpFailure::Guest(_) | HttpFailure::Start(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    // Under overload the answer is the host working as it should; one line a request would make it worse.
    if matches!(failure, HttpFailure::Overloaded) {
        debug!(%component, request_id, "component `{component}` has a full queue");
    } else {
        warn!(%component, request_id, status = status.as_u16(), "request `{request_id}` to component `{component}` failed: {failure}");
    }
    let mut response = problem(status, &failure.told());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

pub(crate) fn static_response(response: &StaticResponse) -> Response<Body> {
    let body = response.body.clone().unwrap_or_default();
    let mut answer = full(StatusCode::from_u16(response.status_code).unwrap_or(StatusCode::OK), body);
    for (name, value) in &response.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

pub(crate) fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = full(status, text.to_string());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Error");
    let body =
        serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let mut response = full(status, body.to_string());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn full(status: StatusCode, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    with_status(status, body)
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    with_status(status, Empty::new().map_err(|never| match never {}).boxed_unsync())
}

fn with_status(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
