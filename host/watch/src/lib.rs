//! Follows the sources of an application that runs: what is saved is built, and takes its place in the host.
//!
//! [`rules`] says which files belong to which component, [`files`] tells which of them were saved with another content, and a
//! [`turn`] does what follows from that: build, then swap; a changed manifest is taken over. The host is asked by its
//! admin surface, so that it may be this process or another. Whatever goes wrong, the old version serves on.

mod files;
mod rules;
mod turn;

pub use turn::told;

use files::Files;
use kobliat_admin::Client;
use kobliat_manifest::Manifest;
use std::path::PathBuf;
use std::sync::Arc;
use turn::Turns;

pub struct Options {
    /// spin.toml, or the directory that it is in.
    pub manifest: PathBuf,
    /// By default `runtime-config.toml` beside the manifest.
    pub runtime_config: Option<PathBuf>,
    /// How components are built.
    pub build: kobliat_build::Options,
    pub client: Client,
    /// Told in a line what was done, and how long it took.
    pub say: Arc<dyn Fn(&str) + Send + Sync>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Manifest(String),
    #[error("failed to watch files: {0}")]
    Files(String),
}

/// Follows until it is dropped, or the files can not be watched any more.
pub async fn watch(options: Options) -> Result<(), Error> {
    let manifest = Manifest::load(&options.manifest).map_err(|errors| Error::Manifest(errors.to_string()))?;
    let rules = rules::Rules::of(&manifest, options.runtime_config.as_deref());
    rules.notes.iter().for_each(|note| (options.say)(note.as_str()));
    let mut files = Files::watch(rules)?;
    (options.say)(&format!("Watching {} files; a saved one is built and swapped in", files.known()));
    let mut turns = Turns { options, manifest };
    while let Some(saved) = files.saved().await {
        if let Some(rules) = turns.take(saved, &mut files).await {
            rules.notes.iter().for_each(|note| (turns.options.say)(note.as_str()));
            files.follow(rules)?;
        }
    }
    Err(Error::Files("the system tells of no more changes".to_owned()))
}
