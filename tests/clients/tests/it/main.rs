//! The API's document makes clients that compile.
//!
//! The test runs where `tests/clients/install` has put the generators, and says so where it has not: plain `cargo test` fetches nothing from
//! the internet. With `KOBLIAT_CLIENTS=required` (as in `.ci/run`) their absence is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn is_installed() -> bool {
    let target = root().join("target/clients");
    let is_there = target.join(".installed-lock.json").exists() && target.join(".installed-requirements.txt").exists();
    let is_required = std::env::var_os("KOBLIAT_CLIENTS").is_some_and(|value| value == "required");
    assert!(is_there || !is_required, "the generators are missing: run tests/clients/install");
    is_there
}

#[test]
fn clients_in_two_languages_are_generated_and_compile() {
    if !is_installed() {
        println!("skipped: no client generators are installed; tests/clients/install installs them");
        return;
    }
    let document = root().join("target/clients/openapi.json");
    std::fs::write(&document, api_gateway::openapi::document().to_string()).unwrap();
    let output = Command::new(root().join("tests/clients/generate")).arg(&document).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}
