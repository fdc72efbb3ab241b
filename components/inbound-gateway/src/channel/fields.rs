//! Reading one hostile JSON object: bounded strings, times, and nothing that panics.

use sdk::clock::parse_rfc3339;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

pub type Object = Map<String, Value>;

/// WhatsApp's message ids are 60 to 120 characters, its user ids at most 131, e-mail's seldom 300; what is longer is not an id.
const MAX_ID_BYTES: usize = 512;
/// WhatsApp's profile names have at most 25 characters, those of business contacts and e-mail some more.
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

/// The JSON in `raw` as that type; `None` when it has another shape.
pub fn shape<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

pub fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    shape(raw)
}

/// The body as JSON text, its syntax checked; nothing where it is no object.
pub fn document(body: &[u8]) -> Option<&RawValue> {
    let text = std::str::from_utf8(body).ok()?;
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    whole.get().starts_with('{').then_some(whole)
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
    believable(seconds.and_then(|seconds| seconds.checked_mul(1_000_000)), received_at)
}

/// The time that the provider gave, unless no clock can have shown it; then the time of receipt.
pub fn believable(micros: Option<i64>, received_at: i64) -> i64 {
    let may_be = |micros: &i64| *micros > 0 && *micros <= received_at.saturating_add(MAX_AHEAD_MICROS);
    micros.filter(may_be).unwrap_or(received_at)
}

/// A time however it is written: RFC 3339, or Unix seconds or milliseconds as a number or in digits.
pub fn moment(value: &Value) -> Option<i64> {
    // From here on it is milliseconds: seconds reach it in the year 5138, and milliseconds had reached it in 1973.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    let unix = |number: i64| number.checked_mul(if number < MILLISECONDS_FROM { 1_000_000 } else { 1000 });
    match value {
        Value::String(text) => parse_rfc3339(text.trim()).or_else(|| unix(text.trim().parse().ok()?)),
        Value::Number(number) => unix(number.as_i64()?),
        _ => None,
    }
}

/// Whether a reader sees anything: blanks of all kinds, and marks without a width, say nothing.
pub fn is_visible(text: &str) -> bool {
    let is_mark = |c: char| matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    !text.chars().all(|c| c.is_whitespace() || c.is_control() || is_mark(c))
}

/// What a person wrote, as it can be stored: U+0000 cannot be stored by every database and says nothing.
pub fn readable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// An id that is a string or a whole number.
pub fn key(object: &Object, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        _ => id(object, name),
    }
}

/// A name of a type or a status, as a word that is safe to store and to show.
pub fn word(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}

/// Why a message failed, as every channel tells it in a receipt's details.
pub fn failure(code: Option<String>, reason: Option<String>) -> Value {
    json!({ "code": code, "reason": reason.unwrap_or_else(|| "the provider gives no reason".to_owned()) })
}
