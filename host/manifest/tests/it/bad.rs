//! Every `tests/bad/<name>.toml` is refused with exactly the text of `<name>.txt`.

use std::path::{Path, PathBuf};

use kobliat_manifest::Manifest;

#[test]
fn every_mistake_is_explained() {
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() > 10, "the fixtures are not where this test looks");
    for case in cases {
        let text = std::fs::read_to_string(&case).unwrap();
        let said = Manifest::parse(&text, "spin.toml").expect_err(&case.display().to_string()).to_string();
        let expected = std::fs::read_to_string(case.with_extension("txt")).unwrap_or_default();
        if said.trim() != expected.trim() {
            wrong.push(format!("{}:\n{said}\n", case.display()));
        }
    }
    assert!(wrong.is_empty(), "these say something else than their .txt:\n{}", wrong.join("\n"));
}

#[test]
fn an_unreadable_manifest_is_named() {
    let error = Manifest::load("/nowhere/spin.toml").unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/spin.toml: cannot read the manifest"), "{error}");
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    cases.sort();
    cases
}
