//! Errors of the broker's surfaces: `application/problem+json` (RFC 9457), as the application's own look.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

pub struct Problem {
    status: StatusCode,
    body: Map<String, Value>,
    retry_after: Option<u32>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("type".to_owned(), format!("urn:kobliat:problem:{code}").into());
        body.insert("title".to_owned(), status.canonical_reason().unwrap_or("Error").into());
        body.insert("status".to_owned(), status.as_u16().into());
        body.insert("detail".to_owned(), detail.into().into());
        body.insert("code".to_owned(), code.into());
        Self { status, body, retry_after: None }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(Value::Object(self.body).to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON answer.
pub fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
