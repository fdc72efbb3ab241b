//! What ties one request's log lines, calls and events together: the request id and the W3C trace context.

use crate::secret;
use http::{HeaderMap, HeaderName};
use sdk::context::{REQUEST_ID, TRACEPARENT};
use sdk::ids;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID);

/// Longer ids than this are replaced: they are copied into every log line.
const MAX_REQUEST_ID_BYTES: usize = 128;

#[derive(Clone, Debug)]
pub struct Trace {
    pub request_id: String,
    pub traceparent: String,
}

impl Trace {
    /// The trace, without the span.
    pub fn trace_id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }

    /// Takes what the client sent where it is well-formed, and makes the rest.
    pub fn of(headers: &HeaderMap) -> Self {
        let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            request_id: sent(REQUEST_ID).filter(|id| is_request_id(id)).map_or_else(ids::new, str::to_owned),
            traceparent: sent(TRACEPARENT)
                .filter(|value| is_traceparent(value))
                .map_or_else(new_traceparent, str::to_owned),
        }
    }
}

fn is_request_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `version-traceid-parentid-flags` in lower-case hex, ids not all zero (W3C Trace Context, 3.2). Only version 00 is passed
/// on: of a later one, this gateway cannot know what it would be vouching for.
fn is_traceparent(value: &str) -> bool {
    let mut parts = value.split('-');
    let mut field = |length: usize| parts.next().filter(|part| part.len() == length && is_lower_hex(part));
    match (field(2), field(32), field(16), field(2)) {
        (Some("00"), Some(trace), Some(parent), Some(_flags)) => {
            !is_zero(trace) && !is_zero(parent) && parts.next().is_none()
        }
        _ => false,
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

/// Random ids (3.2.2.3 and 3.2.2.4); none where there is no randomness: then nothing is traced.
fn new_traceparent() -> String {
    let random = secret::random::<24>().ok();
    let ids = random.as_ref().and_then(|bytes| Some((bytes.first_chunk::<16>()?, bytes.last_chunk::<8>()?)));
    ids.map_or_else(String::new, |(trace, parent)| {
        format!("00-{:032x}-{:016x}-01", u128::from_be_bytes(*trace), u64::from_be_bytes(*parent))
    })
}
