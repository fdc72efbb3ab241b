//! Pages by cursor, or by number as the platform before this one had them.

use http::Response;
use http::header::LINK;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::super::own;
use crate::call::Call;
use crate::clients::Body;
use crate::reply::ok;
use sdk::Problem;
use sdk::pagination::{Keyset, is_limit};
use sdk::query::Query;

/// A page by its number is counted from the newest entry each time: so far, and no further.
const MAX_NUMBERED: u32 = 10_000;
/// A page of a hundred entries, of 12 KiB each.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct Asked {
    pub limit: u32,
    pub after: Keyset,
    /// From 1; `None` for pages by cursor.
    number: Option<u32>,
}

impl Asked {
    /// Entries before this page.
    pub(super) fn skipped(&self) -> u32 {
        self.number.map_or(0, |number| (number - 1) * self.limit)
    }
}

pub(super) fn asked(call: &Call<'_>, query: &Query, list: &str) -> Result<Asked, Problem> {
    let (page, after) = own::page(call, list)?;
    let limit = match (query.get("per_page"), query.get("limit")) {
        (Some(_), Some(_)) => return Err(Problem::invalid_field("?per_page", "does not go with limit")),
        (Some(text), None) => number(text).filter(|limit| is_limit(*limit)).ok_or_else(bad_per_page)?,
        (None, _) => page.limit,
    };
    let number = query.get("page").map(|text| number(text).filter(|number| *number > 0).ok_or_else(bad_page));
    let number = number.transpose()?;
    if number.is_some() && page.cursor.is_some() {
        return Err(Problem::invalid_field("?page", "does not go with cursor"));
    }
    if number.is_some_and(|number| number.checked_mul(limit).is_none_or(|last| last > MAX_NUMBERED)) {
        let detail =
            format!("pages by number end at the {MAX_NUMBERED}th entry: narrow the list, or go on with cursor");
        return Err(Problem::invalid_field("?page", detail));
    }
    Ok(Asked { limit, after, number })
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn bad_per_page() -> Problem {
    Problem::invalid_field("?per_page", "must be 1 to 100")
}

fn bad_page() -> Problem {
    Problem::invalid_field("?page", "must be a number from 1")
}

/// A numbered page says which it is, and links to no cursor.
pub(super) async fn numbered(answer: Response<Body>, page: &Asked) -> Result<Response<Body>, Problem> {
    let Some(number) = page.number else { return Ok(answer) };
    let (mut parts, body) = answer.into_parts();
    let body = Limited::new(body, MAX_PAGE_BYTES).collect().await.map_err(|_| Problem::internal())?.to_bytes();
    let mut list: Value = serde_json::from_slice(&body).map_err(|_| Problem::internal())?;
    if let Some(meta) = list.get_mut("meta").and_then(Value::as_object_mut) {
        meta.insert("page".to_owned(), number.into());
        meta.insert("per_page".to_owned(), page.limit.into());
    }
    parts.headers.remove(LINK);
    let mut counted = ok(&list)?;
    let own = std::mem::take(counted.headers_mut());
    parts.headers.extend(own);
    *counted.headers_mut() = parts.headers;
    Ok(counted)
}
