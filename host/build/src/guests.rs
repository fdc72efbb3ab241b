//! Building the guests of this repository by folder: what a test harness needs, so that `cargo test` alone works in a fresh clone.

use std::fs;
use std::path::Path;

use crate::{BuildCommand, Error, GUESTS_DIR, Options, Progress, TARGET, build};

/// The packages of a folder of guests (`components`, `tests/test-components`): every subfolder whose crate is built as a component.
/// Folder and package have one name; sorted.
pub fn guest_packages(folder: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Options::file_error(folder, source);
    let mut packages = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap_or_default();
        if manifest.contains("cdylib") {
            packages.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    packages.sort();
    Ok(packages)
}

/// Builds packages of the workspace at `options.root` in one cargo process.
///
/// Give all packages of a folder, always: cargo unifies the features of what it builds together, so that a subset would
/// be another build that replaces this one.
pub fn build_packages(options: &Options, packages: &[String], progress: Progress<'_>) -> Result<(), Error> {
    let commands: Vec<_> = packages.iter().map(|package| plain_command(&options.root, package)).collect();
    build(options, &commands, progress)
}

/// The command that `spin.toml` has for a component of this repository.
fn plain_command(root: &Path, package: &str) -> BuildCommand {
    BuildCommand {
        component: package.to_owned(),
        commands: vec![format!("cargo build --target {TARGET} --release -p {package} --target-dir {GUESTS_DIR}")],
        workdir: root.to_owned(),
    }
}
