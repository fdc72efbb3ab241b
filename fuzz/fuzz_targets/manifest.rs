//! Any text is a manifest, or is explained with a place that is in it.
#![no_main]

use kobliat_manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(errors) = Manifest::parse(text, "spin.toml") {
        assert!(!errors.to_string().is_empty());
    }
});
