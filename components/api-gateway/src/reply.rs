//! Answers of the gateway's own, as bodies that the host can stream like forwarded ones.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::Value;

use crate::clients::Body;
use crate::domain::Warning;
use crate::json;
use sdk::pagination::{self, Page};
use sdk::query::Query;
use sdk::{Problem, response};

pub fn buffered(body: impl Into<Bytes>) -> Body {
    spin_sdk::http::box_body(Full::new(body.into()))
}

/// With its length told, so that the connection can be kept and progress shown.
pub fn whole(answer: sdk::Response) -> Response<Body> {
    let length = answer.body().len();
    let mut answer = answer.map(buffered);
    answer.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    answer
}

pub fn ok(value: &Value) -> Result<Response<Body>, Problem> {
    response::ok(value).map(whole)
}

/// A page; when names are missing in it, it says so.
pub fn list(
    page: &Page<Value>,
    limit: u32,
    query: &Query,
    total: Option<u64>,
    warnings: &[Warning],
) -> Result<Response<Body>, Problem> {
    let mut answer = pagination::list(page, limit, query, total)?;
    if !warnings.is_empty() {
        let document: Value = serde_json::from_slice(answer.body()).map_err(|_| Problem::internal())?;
        *answer.body_mut() = json::with(document, "warnings", json::warnings(warnings)).to_string().into_bytes();
    }
    Ok(whole(answer))
}
