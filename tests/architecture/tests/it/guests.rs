//! Every guest of the tests is used by one.

use kobliat_architecture::{crates_in, files, folders_in, root, text};

/// A guest without a test shows nothing, and nobody notices when it breaks.
#[test]
fn every_test_component_has_a_test() {
    let behaviours =
        files(&root().join("tests/runtime"), "toml").into_iter().chain(files(&root().join("tests/runtime"), "rs"));
    let hosts = crates_in("host").into_iter().flat_map(|it| files(&it.folder.join("tests"), "rs"));
    let used: String = behaviours.chain(hosts).map(|path| text(&path)).collect();
    // By folder, because not all are crates.
    let guests = folders_in("tests/test-components");
    assert!(!guests.is_empty(), "no test component was found");
    for guest in guests {
        let file = format!("/{}.wasm", guest.replace('-', "_"));
        assert!(used.contains(&file), "no test under tests/runtime or host/*/tests runs `{guest}`");
    }
}
