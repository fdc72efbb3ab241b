//! Pages: `limit` and an opaque cursor in, the list envelope out. Keyset only: a page never repeats or skips a row.

use ::http::{HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    Outcome, Problem,
    clock::Micros,
    query::{Query, percent_encode},
    response,
};

pub const MAX_LIMIT: u32 = 100;
const CHECKSUM_BYTES: usize = 8;

/// Which page a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: u32,
    pub cursor: Option<String>,
}

impl PageRequest {
    pub fn from_query(query: &Query, default_limit: u32) -> Result<Self, Problem> {
        let limit = match query.get("limit") {
            // Empty counts as absent elsewhere; a page of no size is a mistake.
            None if query.iter().any(|(name, _)| name == "limit") => return Err(bad_limit()),
            None => default_limit,
            Some(text) => text.parse().ok().filter(|limit| is_limit(*limit)).ok_or_else(bad_limit)?,
        };
        Ok(Self { limit, cursor: query.get("cursor").map(str::to_owned) })
    }
}

/// What a typed call may ask for.
pub fn is_limit(limit: u32) -> bool {
    (1..=MAX_LIMIT).contains(&limit)
}

fn bad_limit() -> Problem {
    Problem::invalid_field("?limit", format!("must be 1 to {MAX_LIMIT}"))
}

/// For a cursor that [`open`] refused.
pub fn bad_cursor() -> Problem {
    Problem::invalid_field("?cursor", "is not a cursor of this list")
}

/// Makes a cursor of the position after the last row. `list` names the list and its tenant, so that a cursor of one is refused by another.
pub fn seal(list: &str, position: &str) -> String {
    let mut bytes = checksum(list, position).to_vec();
    bytes.extend_from_slice(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a cursor of this list; `None` when it was changed, cut, or another list's.
///
/// The checksum finds accidents and play; who forges one gains nothing, because a position only moves within the caller's own list.
pub fn open(list: &str, cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (sum, position) = bytes.split_at_checked(CHECKSUM_BYTES)?;
    let position = std::str::from_utf8(position).ok()?;
    (checksum(list, position) == sum).then(|| position.to_owned())
}

fn checksum(list: &str, position: &str) -> [u8; CHECKSUM_BYTES] {
    let hash = Sha256::new().chain_update(list).chain_update([0]).chain_update(position).finalize();
    std::array::from_fn(|i| hash.get(i).copied().unwrap_or_default())
}

/// The position in a list that is ordered by a time, then by id, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset {
    pub at: Micros,
    pub id: String,
}

impl Keyset {
    /// Before the first row.
    pub fn start() -> Self {
        Self { at: Micros::MAX, id: String::new() }
    }

    pub fn seal(&self, list: &str) -> String {
        seal(list, &format!("{}:{}", self.at, self.id))
    }

    /// The position of the cursor, or the start where there is none; `None` for a bad cursor.
    pub fn open(list: &str, cursor: Option<&str>) -> Option<Self> {
        let Some(cursor) = cursor else { return Some(Self::start()) };
        let position = open(list, cursor)?;
        let (at, id) = position.split_once(':')?;
        Some(Self { at: at.parse().ok()?, id: id.to_owned() })
    }
}

/// A page and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of `limit + 1` rows (or fewer, when there are no more): the one too many only tells that there is a next page.
    pub fn cut(mut rows: Vec<T>, limit: u32, cursor_of: impl FnOnce(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(cursor_of);
        Self { items: rows, next_cursor }
    }
}

/// `{"data":[…],"meta":{…}}` and a `Link` header that is relative to the list's own address, whatever the gateway calls it.
pub fn list<T: Serialize>(page: &Page<T>, limit: u32, query: &Query, total: Option<u64>) -> Outcome {
    let mut meta = json!({ "limit": limit, "next_cursor": page.next_cursor, "has_more": page.next_cursor.is_some() });
    if let (Some(total), Some(meta)) = (total, meta.as_object_mut()) {
        meta.insert("total".to_owned(), total.into());
    }
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        data: &'a [T],
        meta: serde_json::Value,
    }
    let mut response = response::ok(&Envelope { data: &page.items, meta })?;
    let link = page.next_cursor.as_ref().and_then(|cursor| HeaderValue::from_str(&next_link(cursor, query)).ok());
    response.headers_mut().extend(link.map(|link| (header::LINK, link)));
    Ok(response)
}

fn next_link(cursor: &str, query: &Query) -> String {
    let kept = query.iter().filter(|(name, _)| *name != "cursor");
    let mut pairs: Vec<String> = kept.map(|(k, v)| format!("{}={}", percent_encode(k), percent_encode(v))).collect();
    pairs.push(format!("cursor={cursor}"));
    format!("<?{}>; rel=\"next\"", pairs.join("&"))
}
