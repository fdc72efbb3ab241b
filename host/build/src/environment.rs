//! The environment of a guest build: the caller's, without what an outer cargo or the host build put there.

use std::ffi::{OsStr, OsString};

/// Variables that a build of guests may see.
#[derive(Clone, Debug, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

/// Of cargo's own variables, those that say where and how to fetch, how to print and how much to do at once.
/// All others are dropped, for one of three reasons: they describe the package that an outer `cargo run` or `cargo test` is running
/// (`CARGO_MANIFEST_DIR`, `CARGO_PKG_*`: build scripts would see them change and run again), they send the output elsewhere than the manifest's
/// `source` says (`CARGO_TARGET_DIR`, `CARGO_BUILD_TARGET`), or they change what is built (`CARGO_PROFILE_*`, `CARGO_ENCODED_RUSTFLAGS`,
/// `CARGO_TARGET_<triple>_*`, `CARGO_INCREMENTAL`), so that builds from two shells would replace each other.
const KEPT: &[&str] = &[
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTRY_",
    "CARGO_REGISTRIES_",
    "CARGO_TERM_",
    "CARGO_LOG",
];

/// The compiler and its flags, which for a guest the toolchain decides; a wrapper or flag of the host build (`-C target-cpu=native`,
/// coverage) would break or duplicate it. `RUSTUP_TOOLCHAIN` stays: `cargo +x up` builds the guests with `x` too.
const DROPPED: &[&str] = &[
    "CARGO",
    "OUT_DIR",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

impl Environment {
    /// Takes the caller's variables, as `std::env::vars_os()` gives them.
    pub fn for_guests(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
        Environment(variables.into_iter().filter(|(name, _)| kept(name)).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

fn kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return true };
    if name.starts_with("CARGO_") {
        return KEPT.iter().any(|kept| if kept.ends_with('_') { name.starts_with(kept) } else { name == *kept });
    }
    !DROPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_cargo_and_the_host_build_leave_no_trace() {
        for name in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_TARGET_DIR",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_WASM32_WASIP2_LINKER",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_MAKEFLAGS",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            assert!(!kept(OsStr::new(name)), "{name} reaches the guest build");
        }
    }

    #[test]
    fn where_to_fetch_and_which_toolchain_is_kept() {
        for name in ["PATH", "CARGO_HOME", "CARGO_REGISTRIES_CRATES_IO_INDEX", "CARGO_NET_OFFLINE", "RUSTUP_TOOLCHAIN"]
        {
            assert!(kept(OsStr::new(name)), "{name} is lost");
        }
    }
}
