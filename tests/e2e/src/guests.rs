//! The guests of spin.toml, built before the first platform starts.

use kobliat_build::{BuildCommand, Environment, Options, Way, build_packages, guest_packages};
use kobliat_manifest::Manifest;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The repository.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap())
}

/// Runs the manifest's build commands once per test process; what is fresh costs one look by cargo.
pub fn build() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let manifest = Manifest::load(root().join("spin.toml")).unwrap_or_else(|errors| panic!("{errors}"));
        let commands: Vec<BuildCommand> = manifest.components.values().filter_map(command).collect();
        let built = kobliat_build::build(&options(), &commands, &mut |line| eprintln!("{line}"));
        built.unwrap_or_else(|error| panic!("failed to build the guests: {error}"));
    });
}

/// The guests of the run-time tests.
pub(crate) fn build_test_components() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let packages = guest_packages(&root().join("tests/test-components")).unwrap();
        build_packages(&options(), &packages, &mut |line| eprintln!("{line}")).unwrap();
    });
}

fn options() -> Options {
    Options {
        root: root().to_path_buf(),
        environment: Environment::for_guests(std::env::vars_os()),
        toolchain: toolchain(),
        quiet: true,
    }
}

fn command(component: &kobliat_manifest::Component) -> Option<BuildCommand> {
    let build = component.build.as_ref()?;
    let workdir = build.workdir.as_ref().map_or_else(|| root().to_path_buf(), |dir| root().join(dir));
    Some(BuildCommand { component: component.id.clone(), commands: build.command.clone(), workdir })
}

/// The same switch as the command's.
fn toolchain() -> Option<Way> {
    match std::env::var("KOBLIAT_GUEST_TOOLCHAIN").ok()?.as_str() {
        "rustup" => Some(Way::Rustup),
        "debian" => Some(Way::Debian),
        _ => None,
    }
}
