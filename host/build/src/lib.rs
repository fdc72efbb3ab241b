//! Builds the guests: finds or sets up a toolchain that can build them, then runs the build commands of the manifest.
//!
//! The commands in `spin.toml` are the plain `cargo build --target wasm32-wasip2 …`, so that stock `spin build` runs them too. What this
//! crate adds is what makes the same command work everywhere: the target is had from rustup or, where rustup cannot download it,
//! from Debian's packages ([`Way`]); an outer `cargo run` does not leak into the guest build ([`Environment`]); commands that differ only in
//! the package share one cargo process; and two processes never set up or build at the same time.
//!
//! Nothing here reads the process environment: the caller passes it in.

mod command;
mod debian;
mod environment;
mod guests;
mod lock;
mod process;
mod toolchain;

use std::path::{Path, PathBuf};

pub use command::BuildCommand;
pub use environment::Environment;
pub use guests::{build_packages, guest_packages};
pub use toolchain::{TARGET, Toolchain, Way};

/// Told in one line what is happening, before anything that takes a while.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// How to build, whatever is built.
#[derive(Clone, Debug)]
pub struct Options {
    /// The application's directory. The lock and the remembered toolchain are in its `target/guests`.
    pub root: PathBuf,
    pub environment: Environment,
    /// `None` finds one; `Some` accepts no other.
    pub toolchain: Option<Way>,
    /// Cargo prints only warnings and errors.
    pub quiet: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cargo was not found: install Rust from https://rustup.rs, then repeat the command")]
    NoCargo,
    #[error("{fix}{}", because(.reason))]
    NoToolchain { fix: String, reason: String },
    #[error("failed to build {what}: `{command}` {outcome}")]
    Failed { what: String, command: String, outcome: String },
    #[error("failed to run `{command}`")]
    Run {
        command: String,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to use `{}`", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// Builds components in the order given. What is fresh already costs one look by cargo.
pub fn build(options: &Options, commands: &[BuildCommand], progress: Progress<'_>) -> Result<(), Error> {
    let steps = command::steps(commands);
    if steps.is_empty() {
        return Ok(());
    }
    let needs_target = steps.iter().any(|step| step.line.contains(TARGET));
    let _lock = if needs_target { Some(lock::acquire(&options.guests_dir(), progress)?) } else { None };
    let toolchain = if needs_target { Some(Toolchain::ensure(options, progress)?) } else { None };
    for step in &steps {
        process::run_step(options, toolchain.as_ref(), step, progress)?;
    }
    Ok(())
}

impl Options {
    /// Host and guests never share a target directory: each would throw away what the other built.
    fn guests_dir(&self) -> PathBuf {
        self.root.join(GUESTS_DIR)
    }

    fn file_error(path: &Path, source: std::io::Error) -> Error {
        Error::File { path: path.to_owned(), source }
    }
}

const GUESTS_DIR: &str = "target/guests";
