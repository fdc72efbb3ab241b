//! What passes for strict JSON is JSON, with no name twice: every reader reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdk::strict::{self, Fault};
use serde_json::Value;

fn members(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(|field| 1 + members(field)).sum(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

/// Colons outside of strings: as many as there are names.
fn names(text: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

fuzz_target!(|text: &str| {
    let read = serde_json::from_str::<Value>(text);
    match strict::check(text) {
        Ok(()) => assert_eq!(members(&read.expect("it is JSON")), names(text), "no name is lost"),
        Err(Fault::Twice(_)) => {
            if let Ok(read) = read {
                assert!(members(&read) < names(text), "a name is there twice");
            }
        }
        Err(_) => {}
    }
});
