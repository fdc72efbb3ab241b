//! What the gateway's own resources have in common: decoding as services do it, and answers to repeated creations.

use http::header::LOCATION;
use http::{HeaderValue, Method, Response};
use serde_json::Value;

use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::reply::whole;
use crate::routes::API_PREFIX;
use crate::store::{self, Failure};
use sdk::idempotency::{self, Answer, Done, Key, Once};
use sdk::pagination::{Keyset, Page, PageRequest, bad_cursor};
use sdk::{Micros, Outcome, Problem, Request, etag, response};

/// What may be done with a resource of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    List,
    Create,
    Get,
    Change,
    Delete,
}

/// Items in a page when the client names no number.
const DEFAULT_ITEMS: u32 = 20;

/// The request as the SDK's decoders take it.
pub fn request(call: &Call<'_>) -> Request {
    Request {
        method: call.method.clone(),
        path: call.public_path.to_owned(),
        raw_query: call.query.to_owned(),
        headers: call.headers.clone(),
        body: call.body.to_vec(),
        context: call.context.clone(),
        params: Vec::new(),
    }
}

/// Creates once per `Idempotency-Key`. What `stored` shows is kept for a repetition: never a secret.
pub async fn create<T>(
    call: &Call<'_>,
    what: &str,
    not_made: Problem,
    stored: impl Fn(&T) -> Value,
    work: impl AsyncFnOnce(Option<&Once<'_, T>>) -> Result<Done<T>, Failure>,
) -> Result<Done<T>, Problem> {
    let answer = |made: &T| Answer { status: 201, body: stored(made).to_string() };
    let once = Key::of(&request(call))?.map(|key| Once { key, answer: &answer });
    work(once.as_ref()).await.map_err(|failure| failure.told(&call.context, what, not_made))
}

/// Once per `Idempotency-Key`, for what others do: the answer is kept when there is one.
pub async fn once<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    work: impl AsyncFnOnce() -> Outcome,
) -> Result<Response<Body>, Problem> {
    let not_kept = |error| store::failed(&call.context, "keep an answer", &error);
    idempotency::answer_claimed(outside.tables(), &request(call), outside, not_kept, work).await.map(whole)
}

/// For what is refused now: the first answer to its `Idempotency-Key` is its answer.
pub async fn first_own_answer_or<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    refusal: Problem,
) -> Result<Response<Body>, Problem> {
    if call.method != Method::POST {
        return Err(refusal);
    }
    idempotency::first_answer_or(outside.tables(), &request(call), outside, refusal).await.map(whole)
}

pub fn created(collection: &str, id: &str, value: &Value) -> Result<Response<Body>, Problem> {
    let mut answer = response::created(value)?;
    let location = HeaderValue::from_str(&format!("{API_PREFIX}{collection}/{id}"));
    answer.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    Ok(whole(answer))
}

/// A single resource in this version.
pub fn versioned(value: &Value, updated_at: Micros) -> Result<Response<Body>, Problem> {
    Ok(whole(etag::with(response::ok(value)?, updated_at)))
}

pub fn no_content() -> Result<Response<Body>, Problem> {
    response::no_content().map(whole)
}

/// The page that a query asks for, and the position where it starts. `list` names the list and whose it is.
pub fn page(call: &Call<'_>, list: &str) -> Result<(PageRequest, Keyset), Problem> {
    let request = PageRequest::from_query(&sdk::query::Query::parse(call.query)?, DEFAULT_ITEMS)?;
    let after = Keyset::open(list, request.cursor.as_deref()).ok_or_else(bad_cursor)?;
    Ok((request, after))
}

pub fn list<T>(
    call: &Call<'_>,
    list: &str,
    rows: Vec<T>,
    limit: u32,
    at: impl Fn(&T) -> Keyset,
    view: impl Fn(&T) -> Value,
) -> Result<Response<Body>, Problem> {
    let Page { items, next_cursor } = Page::cut(rows, limit, |last| at(last).seal(list));
    let page = Page { items: items.iter().map(view).collect(), next_cursor };
    let query = sdk::query::Query::parse(call.query)?;
    crate::reply::list(&page, limit, &query, None, &[])
}
