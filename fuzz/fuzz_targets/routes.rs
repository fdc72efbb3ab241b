//! Any text is a route or is explained; one that is read is read the same with its slash in front.
#![no_main]

use kobliat_manifest::Route;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Route::parse(text) {
    Ok(route) => {
        let again = Route::parse(&format!("/{}", text.strip_prefix('/').unwrap_or(text))).expect("it was read before");
        assert_eq!(again.pattern(), route.pattern());
    }
    Err(reason) => assert!(!reason.is_empty()),
});
