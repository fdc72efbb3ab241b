//! The repository as data: its crates and its files, read without building anything.

pub mod markdown;

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the crate is two folders below the root")
}

/// A crate of the workspace, as its Cargo.toml says.
#[derive(Debug)]
pub struct Crate {
    pub folder: PathBuf,
    /// The folder's own name.
    pub folder_name: String,
    pub package: String,
    /// Packages that it is built from.
    pub dependencies: Vec<String>,
    /// Packages that only its tests use.
    pub dev_dependencies: Vec<String>,
    /// Built as a component.
    pub is_guest: bool,
}

/// The crates of one folder of the workspace (`host`, `components`, `tests`, `tests/test-components`), by name.
pub fn crates_in(folder: &str) -> Vec<Crate> {
    let mut crates: Vec<_> = entries(&root().join(folder))
        .into_iter()
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(read_crate)
        .collect();
    crates.sort_by(|a, b| a.package.cmp(&b.package));
    crates
}

/// The names of the folders in one of the workspace.
pub fn folders_in(folder: &str) -> Vec<String> {
    let folders = entries(&root().join(folder)).into_iter().filter(|path| path.is_dir());
    let mut names: Vec<_> = folders.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

fn read_crate(folder: PathBuf) -> Crate {
    let manifest = toml_file(&folder.join("Cargo.toml"));
    let package = string(&manifest, "package", "name").expect("a package has a name");
    let crate_types = manifest.get("lib").and_then(|lib| lib.get("crate-type")).map(ToString::to_string);
    Crate {
        folder_name: folder.file_name().expect("a crate's folder has a name").to_string_lossy().into_owned(),
        package,
        dependencies: [packages(&manifest, "dependencies"), packages(&manifest, "build-dependencies")].concat(),
        dev_dependencies: packages(&manifest, "dev-dependencies"),
        is_guest: crate_types.is_some_and(|types| types.contains("cdylib")),
        folder,
    }
}

/// The package names in a table of dependencies. `sdk = { workspace = true }` stands for the package `kobliat-sdk`.
fn packages(manifest: &toml::Table, table: &str) -> Vec<String> {
    let Some(table) = manifest.get(table).and_then(toml::Value::as_table) else { return Vec::new() };
    table.iter().map(|(name, value)| renamed(value).unwrap_or_else(|| workspace_package(name))).collect()
}

fn workspace_package(name: &str) -> String {
    let workspace = toml_file(&root().join("Cargo.toml"));
    let dependencies = workspace.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    dependencies.and_then(|all| all.get(name)).and_then(renamed).unwrap_or_else(|| name.to_owned())
}

fn string(manifest: &toml::Table, table: &str, key: &str) -> Option<String> {
    manifest.get(table)?.get(key)?.as_str().map(str::to_owned)
}

fn renamed(dependency: &toml::Value) -> Option<String> {
    dependency.get("package").and_then(toml::Value::as_str).map(str::to_owned)
}

/// A TOML file of the repository.
pub fn toml_file(path: &Path) -> toml::Table {
    text(path).parse().unwrap_or_else(|error| panic!("failed to parse `{}`: {error}", path.display()))
}

/// A text file of the repository.
pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()))
}

/// All files below a folder with this extension, sorted; none when the folder is missing.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A path as people know it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("the folder is readable").path()).collect()
}
