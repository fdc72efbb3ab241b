//! Ids: UUIDv7, so that they sort by age and insert at the end of an index.

use uuid::Uuid;

/// A new id; within one instance each is greater than the one before, also in the same millisecond.
pub fn new() -> String {
    Uuid::now_v7().to_string()
}

/// The canonical form (lower case, hyphens) of what a client sent as an id; `None` when it is none.
pub fn parse(text: &str) -> Option<String> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok())?.map(|id| id.to_string())
}
