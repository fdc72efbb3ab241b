//! Any query is read or refused, and what is read is text.
#![no_main]

use kobliat_sdk::query::{Query, percent_decode, percent_encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
    if let Ok(query) = Query::parse(text) {
        for (name, value) in query.iter() {
            assert!(query.get(name).is_some(), "{name}={value}");
        }
    }
});
