//! Optimistic concurrency: `ETag` is a resource's time of change, `If-Match` lets a client change only what it has seen.

use ::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{Error, Micros, Problem, Request, Response};

/// The answer with the entity tag of a resource that was changed then.
#[must_use]
pub fn with(mut response: Response, updated_at: Micros) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{updated_at}\"")).ok();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    response
}

/// The version of the resource in an answer, as [`with`] told it.
pub fn version(headers: &HeaderMap) -> Option<Micros> {
    parse(headers.get(header::ETAG)?.to_str().ok()?)
}

fn parse(tag: &str) -> Option<Micros> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// The version that the client wants to change: `None` when any will do (no header, or `*`). A tag that is none of ours
/// matches nothing. Lists of tags are refused: a resource has one version.
pub fn if_match(request: &Request) -> Result<Option<Micros>, Problem> {
    let Some(value) = request.headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    parse(text).map(Some).ok_or_else(mismatch)
}

/// Whether one of these `If-None-Match` headers names this tag, compared weakly (RFC 9110, 8.8.3.2), or is `*`.
pub fn is_named<'a>(headers: impl IntoIterator<Item = &'a HeaderValue>, tag: &str) -> bool {
    let texts = headers.into_iter().filter_map(|value| value.to_str().ok());
    texts.map(str::trim).any(|text| text == "*" || tags(text).any(|named| named == opaque(tag)))
}

/// The tags of a list, without what makes them weak. A comma may be part of a tag.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (_, begun) = rest.split_once('"')?;
        let (named, after) = begun.split_once('"')?;
        rest = after;
        Some(named)
    })
}

fn opaque(tag: &str) -> &str {
    tag.trim_start_matches("W/").trim_matches('"')
}

/// Refuses a change of a resource that is not in the version which `wanted` names.
pub fn check(wanted: Option<Micros>, updated_at: Micros) -> Result<(), Error> {
    if wanted.is_none_or(|wanted| wanted == updated_at) { Ok(()) } else { Err(Error::Stale) }
}

/// The time of a change that follows one at `updated_at`: later, whatever the clock says, so that no version has another's tag.
pub fn next(updated_at: Micros, now: Micros) -> Micros {
    now.max(updated_at.saturating_add(1))
}

/// 412: somebody else changed it in between.
pub fn mismatch() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "the resource is not in the version that If-Match names: read it again",
    )
}
