//! Answers of the gateway's own, as bodies that the host can stream like forwarded ones.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::clients::Body;
use crate::domain::Warning;
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

pub fn ok(value: &impl Serialize) -> Result<Response<Body>, Problem> {
    response::ok(value).map(whole)
}

/// A page; when names are missing in it, it says so.
pub fn list<T: Serialize>(
    page: &Page<T>,
    limit: u32,
    query: &Query,
    total: Option<u64>,
    warnings: &[Warning],
) -> Result<Response<Body>, Problem> {
    let mut answer = pagination::list(page, limit, query, total)?;
    if !warnings.is_empty() {
        let members = serde_json::from_slice(answer.body()).map_err(|_| Problem::internal())?;
        let body = serde_json::to_vec(&Warned { members, warnings }).map_err(|_| Problem::internal())?;
        *answer.body_mut() = body;
    }
    Ok(whole(answer))
}

#[derive(Serialize)]
struct Warned<'a> {
    /// As they are, byte for byte.
    #[serde(flatten)]
    members: BTreeMap<String, Box<RawValue>>,
    warnings: &'a [Warning],
}
