//! Any query is read or refused, and what is read is text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdk::query::{Query, percent_decode, percent_encode};

fuzz_target!(|text: &str| {
    assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
    if let Ok(query) = Query::parse(text) {
        for (name, value) in query.iter() {
            // Only emptiness hides a parameter; of several of a name the first counts.
            let found = query.get(name);
            assert!(found.is_none_or(|found| !found.is_empty() && found.trim() == found), "{name}={value}");
            let first = query.iter().find(|(other, _)| *other == name).map(|(_, first)| first.trim());
            assert_eq!(found.unwrap_or_default(), first.unwrap_or_default(), "{name}={value}");
        }
    }
});
