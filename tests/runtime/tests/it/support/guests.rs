//! The guests: built once for all tests of this binary, by the command that `spin.toml` has for components.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kobliat_build::{Environment, Options, build_packages, guest_packages};

static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned();
    let environment = Environment::for_guests(std::env::vars_os());
    let options = Options { root: root.clone(), environment, toolchain: None, quiet: true };
    let packages = guest_packages(&root.join("tests/test-components")).unwrap();
    // Features of dependencies are unified within one build: a guest of another generation would change everybody's.
    let (apart, together): (Vec<_>, Vec<_>) = packages.into_iter().partition(|package| package.starts_with("sdk-"));
    for packages in [together].into_iter().chain(apart.into_iter().map(|package| vec![package])) {
        build_packages(&options, &packages, &mut |line| eprintln!("{line}")).unwrap();
    }
    root.join("target/guests/wasm32-wasip2/release")
});

/// Where the built guests are: `misbehave.wasm` and its like.
pub fn folder() -> &'static Path {
    &BUILT
}
