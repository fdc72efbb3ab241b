//! A cursor that was not sealed for the list opens nothing; one that was opens to what was sealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdk::pagination::{open, seal};

const LIST: &str = "customers";

fuzz_target!(|input: (String, String)| {
    let (position, cursor) = input;
    let sealed = seal(LIST, &position);
    assert_eq!(open(LIST, &sealed), Some(position));
    assert_eq!(open("messages", &sealed), None);
    if let Some(opened) = open(LIST, &cursor) {
        assert_eq!(open(LIST, &seal(LIST, &opened)), Some(opened));
    }
});
