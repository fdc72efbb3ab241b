//! Where SQL may be, where the environment may be read, and how a file begins.

use std::path::PathBuf;

use kobliat_architecture::{crates_in, files, root, shown, text};

/// The sources of the crates in a folder of the workspace, tests beside them included.
fn sources(folder: &str) -> Vec<PathBuf> {
    let found: Vec<_> = crates_in(folder).iter().flat_map(|it| files(&it.folder.join("src"), "rs")).collect();
    assert!(!found.is_empty(), "no source was found in {folder}");
    found
}

/// A statement begins a string, or a line of one.
fn has_sql(code: &str) -> bool {
    let statements = ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "BEGIN", "PRAGMA "];
    let begins = |text: &str| statements.iter().any(|statement| text.starts_with(statement));
    code.lines().any(|line| begins(line.trim_start()) || line.split('"').skip(1).any(begins))
}

#[test]
fn only_store_rs_has_sql() {
    for path in sources("components") {
        let shown = shown(&path);
        // The SDK keeps its own tables (outbox, idempotency, migrations) for every service.
        if shown.starts_with("components/sdk/") || shown.ends_with("/src/store.rs") || shown.contains("/src/store/") {
            continue;
        }
        assert!(!has_sql(&text(&path)), "{shown} has SQL: move the statement to store.rs");
    }
}

#[test]
fn only_the_cli_reads_the_environment() {
    for path in sources("host") {
        let shown = shown(&path);
        if shown.starts_with("host/cli/") {
            continue;
        }
        for (number, line) in text(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let reads = ["env::var", "env::args", "env::current_dir", "env::set_var", "env::home_dir"];
            assert!(
                !reads.iter().any(|read| code.contains(read)),
                "{shown}:{}: only host/cli reads arguments and the environment; pass the value in",
                number + 1
            );
        }
    }
}

/// Whoever sets the machine's clock must not end leases, trials, retries or caches: these go by `Instant`.
#[test]
fn the_hosts_wall_clock_is_read_only_where_people_or_files_need_it() {
    let readers = [
        ("host/engine/src/cache/", "the age of files"),
        ("host/events/src/clock.rs", "the broker's clock: the wall once, then only forward"),
        ("host/events/src/verdict.rs", "a Retry-After that is a date, within its bounds"),
        ("host/runtime/src/downloads/sweep.rs", "the age of files"),
        ("host/runtime/src/lifecycle/", "when a version was put in place, for people"),
        ("host/telemetry/src/span.rs", "when a span began, for people; how long it took goes by `Instant`"),
    ];
    for path in sources("host") {
        let shown = shown(&path);
        let code = text(&path);
        let product = code.split("#[cfg(test)]").next().unwrap_or_default();
        let reads =
            ["SystemTime::now", "OffsetDateTime::now", "UtcDateTime::now"].iter().any(|now| product.contains(now));
        let known = readers.iter().any(|(place, _)| shown.starts_with(place));
        assert!(!reads || known, "{shown} reads the wall clock: use `Instant`, or name the reason in this test");
    }
}

#[test]
fn every_file_opens_with_the_sentence_a_newcomer_needs() {
    let folders = ["host", "components", "tests", "tests/test-components"];
    let sources = folders.iter().flat_map(|folder| crates_in(folder)).flat_map(|it| files(&it.folder, "rs"));
    let mut without: Vec<_> =
        sources.filter(|path| !text(path).trim_start().starts_with("//!")).map(|path| shown(&path)).collect();
    without.sort();
    without.dedup();
    assert!(without.is_empty(), "these files do not open with a `//!` sentence: {without:#?}");
    assert!(root().join("README.md").is_file());
}
