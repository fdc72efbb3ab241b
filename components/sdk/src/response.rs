//! Successful answers.

use ::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Response, router::Outcome};

pub fn bytes(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub fn json(status: StatusCode, value: &impl Serialize) -> Outcome {
    // Serialising our own plain structs to memory cannot fail; if it does, the caller gets a 500, not a panic.
    let body = serde_json::to_vec(value).map_err(|_| crate::Problem::internal())?;
    Ok(bytes(status, "application/json", body))
}

pub fn ok(value: &impl Serialize) -> Outcome {
    json(StatusCode::OK, value)
}

pub fn created(value: &impl Serialize) -> Outcome {
    json(StatusCode::CREATED, value)
}

/// The work goes on after the answer.
pub fn accepted(value: &impl Serialize) -> Outcome {
    json(StatusCode::ACCEPTED, value)
}

pub fn no_content() -> Outcome {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// Stored JSON on its way out, unparsed; what is no JSON (no code of ours stores that) shows as null.
pub fn raw_object(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
