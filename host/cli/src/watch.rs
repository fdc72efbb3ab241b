//! `kobliat watch`, `kobliat up --watch` and `kobliat apply`: the running host follows what is saved.

use crate::admin::Host;
use crate::build;
use crate::up::Up;
use anyhow::{Context, Result};
use clap::Args;
use kobliat_admin::Client;
use kobliat_runtime::{Log, state_dir_of};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Args)]
pub struct Watch {
    #[command(flatten)]
    up: Box<Up>,
}

#[derive(Args)]
pub struct Apply {
    #[command(flatten)]
    host: Host,
}

impl Watch {
    /// Follows for the host that runs on the state directory; where none does, it is started, and built before.
    pub fn run(self, log: Log) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let state_dir = state_dir_of(&self.up.from, self.up.state_dir.as_deref())?;
        let runs = runtime.block_on(Client::in_state_dir(&state_dir).get("/application")).is_ok();
        if !runs {
            return self.up.watching().run(log);
        }
        tell!("A host runs already on {}; watching for it.", state_dir.display());
        let Up { from, runtime_config_file, quiet, .. } = *self.up;
        runtime.block_on(follow(from, runtime_config_file, quiet, &state_dir))
    }
}

/// Follows until it is dropped.
pub async fn follow(from: PathBuf, config: Option<PathBuf>, quiet: bool, state_dir: &Path) -> Result<()> {
    let dir = if from.is_dir() { from.as_path() } else { from.parent().unwrap_or(Path::new("")) };
    let options = kobliat_watch::Options {
        build: build::options(dir, quiet)?,
        manifest: from,
        runtime_config: config,
        client: Client::in_state_dir(state_dir),
        say: Arc::new(|line| tell!("{line}")),
    };
    kobliat_watch::watch(options).await.context("nothing is watched any more")
}

impl Apply {
    pub async fn run(&self) -> Result<()> {
        let answer = self.host.client()?.post("/application/apply", "").await?;
        say!("{}", kobliat_watch::told(&answer));
        Ok(())
    }
}
