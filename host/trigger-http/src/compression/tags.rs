//! Entity tags of compressed answers: a strong tag names the very bytes, so the coding is a part of it.

use super::Coding;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, IF_RANGE};
use http::{HeaderMap, HeaderValue};

/// `"5"` becomes `"5+gzip"`. A weak tag means all representations, and stays.
pub(super) fn mark(headers: &mut HeaderMap, coding: Coding) {
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else { return };
    let Some(opaque) = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) else { return };
    if let Ok(tag) = HeaderValue::try_from(format!("\"{opaque}+{}\"", coding.name())) {
        headers.insert(ETAG, tag);
    }
}

/// The tags that a request names, as its component gave them; and of which coding one was.
pub(super) fn restore(headers: &mut HeaderMap) -> Option<Coding> {
    let mut named = None;
    for name in [IF_NONE_MATCH, IF_MATCH, IF_RANGE] {
        let Some(value) = headers.get_mut(&name) else { continue };
        let Ok(text) = value.to_str() else { continue };
        let mut restored = text.to_owned();
        for coding in Coding::ALL {
            let suffix = format!("+{}\"", coding.name());
            if restored.contains(&suffix) {
                restored = restored.replace(&suffix, "\"");
                named = Some(coding);
            }
        }
        if let Ok(restored) = HeaderValue::try_from(restored) {
            *value = restored;
        }
    }
    named
}
