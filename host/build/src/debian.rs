//! The way without rustup's target: Debian's compiler and standard library sources, linked by rustup's own linkers.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Environment, Progress, process};

/// A current rustc (Debian keeps one to build browsers with), its standard library's sources, and the C library of WASI.
pub(crate) const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "wasi-libc"];
pub(crate) const OS_RELEASE: &str = "/etc/os-release";

const RUSTC: &str = "/usr/bin/rustc";
const STD_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// The first release that compiles the guests: the workspace's `rust-version`. Debian's plain `rustc` is years older.
const OLDEST_RUSTC: (u32, u32) = (1, 95);

/// Downloading and unpacking 350 MB of packages on a slow machine.
const INSTALL: Duration = Duration::from_secs(900);

/// What makes the plain build command work with Debian's compiler; `None` when something is missing.
pub(crate) fn variables(linkers: &Path) -> Option<Vec<(&'static str, OsString)>> {
    let linker = linkers.join("wasm-component-ld");
    let wasm_ld = linkers.join("gcc-ld/wasm-ld");
    let libc = Path::new(WASI_LIBC).join("libc.a");
    let there = [&linker, &wasm_ld, &libc, Path::new(STD_SOURCES)].iter().all(|file| file.is_file());
    if !there || !is_recent(Path::new(RUSTC)) {
        return None;
    }
    let mut flags = OsString::from("-Clink-self-contained=no -L");
    flags.push(WASI_LIBC);
    flags.push(" -Clink-arg=--wasm-ld-path=");
    flags.push(wasm_ld);
    Some(vec![
        ("RUSTC", RUSTC.into()),
        // A released compiler takes the unstable `build-std` only so.
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".into()),
        ("CARGO_TARGET_WASM32_WASIP2_LINKER", linker.into()),
        ("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", flags),
    ])
}

fn is_recent(rustc: &Path) -> bool {
    let Ok(output) = Command::new(rustc).arg("--version").env_clear().output() else { return false };
    release(&String::from_utf8_lossy(&output.stdout)).is_some_and(|release| release >= OLDEST_RUSTC)
}

/// `rustc 1.96.0 (…)` → (1, 96)
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Installs the packages, or says why that is not ours to do.
pub(crate) fn install(environment: &Environment, linkers: &Path, progress: Progress<'_>) -> Result<(), String> {
    if variables(linkers).is_some() {
        return Ok(());
    }
    if !linkers.join("wasm-component-ld").is_file() {
        return Err("the linker wasm-component-ld is missing: Rust was not installed by rustup".to_owned());
    }
    if !is_debian(Path::new(OS_RELEASE)) {
        return Err("this is not Debian, whose packages could serve instead".to_owned());
    }
    if !is_root() {
        return Err("installing Debian's packages instead needs root".to_owned());
    }
    progress(&format!("Installing {} with apt-get", PACKAGES.join(", ")));
    let apt_get = |arguments: &[&str]| process::change(environment, "apt-get", arguments, INSTALL);
    let packages = [&["install", "-y", "--no-install-recommends"], &PACKAGES[..]].concat();
    // A fresh image has no package lists, an old one stale lists: both show as a failed first try.
    apt_get(&packages).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&packages)))
}

pub(crate) fn is_debian(os_release: &Path) -> bool {
    fs::read_to_string(os_release).is_ok_and(|text| text.lines().any(|line| line.trim_matches('"') == "ID=debian"))
}

/// The owner of `/proc/self` is the effective user of this process.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_release_of_a_compiler() {
        assert_eq!(release("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some((1, 96)));
        assert_eq!(release("rustc 1.63.0"), Some((1, 63)));
        assert_eq!(release("no compiler"), None);
        assert!((1, 63) < OLDEST_RUSTC);
    }

    #[test]
    fn without_the_linkers_of_rustup_debians_packages_are_not_enough() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(variables(empty.path()), None);
    }
}
