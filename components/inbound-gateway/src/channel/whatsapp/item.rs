//! Reading one hostile JSON object: bounded strings, times, and nothing that panics.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub type Object = Map<String, Value>;

/// Message ids are 60 to 120 characters, user ids at most 131; what is longer is not an id.
const MAX_ID_BYTES: usize = 512;
/// WhatsApp's profile names have at most 25 characters, those of business contacts some more.
const MAX_NAME_CHARS: usize = 256;
/// A provider's clock may be ahead of ours; by more than a day it is no clock.
const MAX_AHEAD_MICROS: i64 = 24 * 3600 * 1_000_000;

/// The object in `raw`; `None` when it is another type, or nested deeper than serde_json follows (128 levels).
pub fn object(raw: &RawValue) -> Option<Object> {
    serde_json::from_str(raw.get()).ok()
}

pub fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A non-empty string that can be an identifier.
pub fn id(object: &Object, key: &str) -> Option<String> {
    let id = text(object, key)?.trim();
    let sound = !id.is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control);
    sound.then(|| id.to_owned())
}

/// A person's name for display; control characters, which no name has, become spaces.
pub fn name(object: &Object, key: &str) -> Option<String> {
    let name: String = text(object, key)?.chars().take(MAX_NAME_CHARS).map(printable).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

/// The item's `timestamp` (Unix seconds, a string) in microseconds; the time of receipt where it says nothing believable.
pub fn timestamp(object: &Object, received_at: i64) -> i64 {
    let seconds = match object.get("timestamp") {
        Some(Value::String(digits)) => digits.parse::<i64>().ok(),
        Some(Value::Number(number)) => number.as_i64(),
        _ => None,
    };
    seconds
        .and_then(|seconds| seconds.checked_mul(1_000_000))
        .filter(|micros| *micros > 0 && *micros <= received_at.saturating_add(MAX_AHEAD_MICROS))
        .unwrap_or(received_at)
}
