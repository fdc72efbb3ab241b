//! What a verified token says, and whether it says it of us and of now (RFC 7519, 4.1).

use serde_json::{Map, Value};

use sdk::Micros;

/// Clocks differ: 60 s, in seconds.
const LEEWAY_SECONDS: i64 = 60;

/// Whether the token is from this issuer, for this audience, not too early, not too late. A token without an end is none.
pub fn hold(claims: &Map<String, Value>, issuer: &str, audience: &str, now: Micros) -> bool {
    let now = now / 1_000_000;
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => seconds(value).map(Some),
    };
    let (Some(Some(end)), Some(start), Some(issued)) = (time("exp"), time("nbf"), time("iat")) else { return false };
    text(claims, "iss") == Some(issuer)
        && is_for(claims.get("aud"), audience)
        && now < end.saturating_add(LEEWAY_SECONDS)
        && [start, issued].into_iter().flatten().all(|at| now >= at.saturating_sub(LEEWAY_SECONDS))
}

/// NumericDate may have a fraction; what is beyond all time is no date.
fn seconds(value: &Value) -> Option<i64> {
    let number = value.as_f64().filter(|number| number.abs() < 1e12)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is within 1e12, and a fraction of a second is nothing")]
    let whole = number as i64;
    Some(whole)
}

fn is_for(audience: Option<&Value>, ours: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == ours,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(ours)),
        _ => false,
    }
}

pub fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// `scope` as OAuth has it (words in a string), or a list.
pub fn scopes(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    match claims.get(name) {
        Some(Value::String(words)) => words.split_ascii_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
