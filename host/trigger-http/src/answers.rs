//! The answers that the host gives itself: static ones, refusals, and what it says when a component fails.

use crate::intake::Failure;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kobliat_engine::{Body, HttpFailure, Target};
use kobliat_manifest::StaticResponse;
use tracing::{debug, warn};

/// By which a client names its request, and the log, too.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a refusal says of the request that it answers.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub request_id: &'a str,
    pub path: &'a str,
}

/// The client learns the kind of failure, the log the rest.
pub(crate) fn failure(target: &Target, asked: Asked<'_>, failure: &HttpFailure) -> Response<Body> {
    let (component, request_id) = (target.component(), asked.request_id);
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
    problem(status, &failure.told(), asked)
}

/// Nothing was asked of the component yet. Clients that are too slow are many, or none: no line for each.
pub(crate) fn no_body(target: &Target, asked: Asked<'_>, why: &Failure) -> Response<Body> {
    let (component, request_id) = (target.component(), asked.request_id);
    debug!(%component, request_id, "request `{request_id}` to component `{component}` did not bring its body: {why:?}");
    match why {
        Failure::TooSlow => too_slow(asked),
        Failure::TooLarge => failure(target, asked, &HttpFailure::BodyTooLarge),
        Failure::Broken => problem(StatusCode::BAD_REQUEST, "the request's body broke off", asked),
        Failure::NoRoom => closing(problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the host holds as many unfinished request bodies as it can; send the whole request again",
            asked,
        )),
    }
}

/// The client kept the host waiting for the rest of its request.
pub(crate) fn too_slow(asked: Asked<'_>) -> Response<Body> {
    closing(problem(StatusCode::REQUEST_TIMEOUT, "the request's body came too slowly", asked))
}

/// What is left of the request will not be read.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The connection ends with it, as when hyper says so.
pub(crate) fn head_too_large(most: usize, asked: Asked<'_>) -> Response<Body> {
    let detail = format!("the request line and the headers together are longer than {most} bytes");
    closing(problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &detail, asked))
}

pub(crate) fn static_response(response: &StaticResponse) -> Response<Body> {
    let body = response.body.clone().unwrap_or_default();
    let mut answer = full(StatusCode::from_u16(response.status_code).unwrap_or(StatusCode::OK), body);
    for (name, value) in &response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
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

/// RFC 9457, with the members that Kobliat's own API has.
pub(crate) fn problem(status: StatusCode, detail: &str, asked: Asked<'_>) -> Response<Body> {
    let (title, code) = (status.canonical_reason().unwrap_or("Error"), code_of(status));
    let body = serde_json::json!({
        "type": format!("urn:kobliat:problem:{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "instance": asked.path,
        "code": code,
        "request_id": asked.request_id,
    });
    let mut response = full(status, body.to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Ok(id) = HeaderValue::from_str(asked.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Stable; clients may match on it.
fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "unreadable",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "request_timed_out",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "head_too_large",
        StatusCode::BAD_GATEWAY => "bad_gateway",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        StatusCode::GATEWAY_TIMEOUT => "timed_out",
        _ => "internal",
    }
}

fn full(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}
