//! Any text is a runtime config or is explained. The format stands alone in its file, so that the engine is not built for it.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../host/runtime/src/runtime_config/file.rs"]
#[expect(dead_code, reason = "it is read, and used elsewhere")]
mod file;

fuzz_target!(|text: &str| {
    if let Err(error) = toml::from_str::<file::File>(text) {
        assert!(!error.to_string().is_empty());
    }
});
