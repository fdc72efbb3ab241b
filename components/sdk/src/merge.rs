//! JSON Merge Patch (RFC 7396) for the objects that services keep as text.

use serde_json::{Map, Value};

use crate::{Error, invalid};

/// 256 KiB: what is merged into it again and again must not grow for ever.
const MAX_BYTES: usize = 256 << 10;

/// `stored` with the members of `patch`; a null takes a member away. `field` is told when it would become too large.
pub fn merged(field: &'static str, stored: &str, patch: &str) -> Result<String, Error> {
    let mut target = object(stored);
    merge(&mut target, object(patch));
    let text = Value::Object(target).to_string();
    if text.len() > MAX_BYTES {
        return Err(invalid(field, "would be larger than 256 KiB"));
    }
    Ok(text)
}

/// What is no object (no code of ours stores that) counts as an empty one.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(&name), value) {
            (_, Value::Null) => drop(target.remove(&name)),
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            (_, Value::Object(patch)) => {
                let mut inner = Map::new();
                merge(&mut inner, patch);
                target.insert(name, Value::Object(inner));
            }
            (_, value) => drop(target.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7396, appendix A, whose results are objects.
    #[test]
    fn merges_as_the_standard_says() {
        for (stored, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged("metadata", stored, patch).unwrap(), result);
        }
    }

    #[test]
    fn does_not_grow_for_ever() {
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(200 << 10));
        let patch = large.replace("\"a\"", "\"b\"");
        assert!(merged("metadata", "{}", &large).is_ok());
        assert!(matches!(merged("metadata", &large, &patch), Err(Error::Invalid { field: "metadata", .. })));
    }
}
