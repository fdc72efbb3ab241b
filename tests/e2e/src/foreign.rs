//! The journeys on any `spin`-like binary: `KOBLIAT_E2E_BINARY=/path/to/spin`. Only what stock Spin has is used: the flags of its `up`, its
//! start-up line, HTTP, SIGTERM.

use std::path::PathBuf;

/// Whose host runs the journeys.
pub fn binary() -> Option<PathBuf> {
    let path = std::env::var_os("KOBLIAT_E2E_BINARY").filter(|path| !path.is_empty()).map(PathBuf::from)?;
    Some(path.canonicalize().unwrap_or_else(|error| panic!("KOBLIAT_E2E_BINARY `{}`: {error}", path.display())))
}

/// Flags on top, divided by spaces, for a binary that has more than one way: `KOBLIAT_E2E_FLAGS=--no-links`.
pub(crate) fn flags() -> Vec<String> {
    let flags = std::env::var("KOBLIAT_E2E_FLAGS").unwrap_or_default();
    flags.split_whitespace().map(str::to_owned).collect()
}

/// True, with a sentence, when the host is not ours and the story needs `what` of ours.
#[must_use]
pub fn skipped(what: &str) -> bool {
    let skipped = binary().is_some();
    if skipped {
        let test = std::thread::current().name().unwrap_or("this test").to_owned();
        eprintln!("{test} is skipped, because it needs {what}, which KOBLIAT_E2E_BINARY need not have");
    }
    skipped
}
