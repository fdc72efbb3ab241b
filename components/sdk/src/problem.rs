//! Errors as clients see them: `application/problem+json` (RFC 9457), with `error` and `message` for clients of the old API.

use ::http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{Context, Response, response};

/// One thing wrong with the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer into the body (`/participants/1`), or `?name` for a query parameter.
    pub pointer: String,
    pub detail: String,
}

/// What went wrong, in words that are fit for the client: never a stack, a path or an SQL text.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable; clients may match on it.
    pub code: &'static str,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }

    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Unknown, or another tenant's: the two look the same. `what` is the noun: `customer`.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    pub fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("allowed here: {allow}"));
        problem.header(header::ALLOW, allow)
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// The first request with this idempotency key is still running.
    pub fn in_flight() -> Self {
        let detail = "a request with this Idempotency-Key is still running";
        Self::new(StatusCode::CONFLICT, "in_flight", detail).header(header::RETRY_AFTER, "1")
    }

    pub fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("the body is larger than {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] if only.pointer.is_empty() => only.detail.clone(),
            [only] => format!("{}: {}", only.pointer, only.detail),
            many => format!("{} fields are invalid", many.len()),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// The fault is ours; the reason is in the log, not here.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
    }

    /// Another service gave an answer that cannot be used.
    pub fn bad_gateway(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "bad_gateway", detail)
    }

    /// Worth another try soon.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).header(header::RETRY_AFTER, "1")
    }

    pub fn timed_out(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timed_out", detail)
    }

    /// Adds a header to the answer; a value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// The answer to the request with this context, at this path.
    pub fn into_response(self, context: &Context, path: &str) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let errors: Vec<_> = self.errors.iter().map(|e| json!({ "pointer": e.pointer, "detail": e.detail })).collect();
        let mut body = json!({
            "type": format!("urn:kobliat:problem:{}", self.code),
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "instance": path,
            "code": self.code,
            "request_id": context.request_id,
            "error": title,
            "message": self.detail,
        });
        if let (false, Some(body)) = (errors.is_empty(), body.as_object_mut()) {
            body.insert("errors".to_owned(), errors.into());
        }
        let mut answer = response::bytes(self.status, "application/problem+json", body.to_string().into_bytes());
        answer.headers_mut().extend(self.headers);
        answer
    }
}
