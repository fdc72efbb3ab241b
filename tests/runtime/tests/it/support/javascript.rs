//! The guest in JavaScript: built by npm where there is one. It is Spin's own build that is tried, so nothing else will do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// What goes into the component. `package-lock.json` pins the tools, and the engine with them.
const SOURCES: [&str; 4] = ["index.js", "package.json", "package-lock.json", "wit/world.wit"];

static BUILT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    build(&root.join("tests/test-components/javascript"), &root.join("target/guests/javascript"))
        .inspect_err(|reason| println!("skipped: {reason}"))
        .ok()
});

/// The folder of `javascript.wasm`, or nothing where it can not be built: there is no npm, or no registry to be reached.
pub fn folder() -> Option<&'static Path> {
    BUILT.as_deref()
}

/// Built once for each state of the sources: the engine is 12 MB, its tools 180.
fn build(sources: &Path, target: &Path) -> Result<PathBuf, String> {
    let stamp = digest(sources);
    let built = target.join("of");
    if fs::read_to_string(&built).is_ok_and(|of| of == stamp) {
        return Ok(target.to_owned());
    }
    if target.exists() {
        fs::remove_dir_all(target).unwrap();
    }
    for file in SOURCES {
        let copy = target.join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(sources.join(file), copy).unwrap();
    }
    install(target)?;
    let output = npm(target, &["run", "build"]).map_err(|error| error.to_string())?;
    // The tool says 0 whatever became of it.
    assert!(target.join("javascript.wasm").is_file(), "the guest in JavaScript was not built: {}", told(&output));
    fs::remove_dir_all(target.join("node_modules")).unwrap();
    fs::write(built, stamp).unwrap();
    Ok(target.to_owned())
}

fn install(target: &Path) -> Result<(), String> {
    let output = npm(target, &["ci", "--no-audit", "--no-fund"])
        .map_err(|error| format!("the guest in JavaScript needs npm (of Node 20 or later) to be built: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = told(&output);
    assert!(!told.contains("EUSAGE"), "package.json and package-lock.json of the guest in JavaScript differ: {told}");
    Err(format!("npm did not get what the guest in JavaScript is built with: {told}"))
}

fn npm(folder: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("npm").args(arguments).current_dir(folder).output()
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

fn digest(sources: &Path) -> String {
    let mut hash = Sha256::new();
    for file in SOURCES {
        hash.update(fs::read(sources.join(file)).unwrap());
    }
    hex::encode(hash.finalize())
}
