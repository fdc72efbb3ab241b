//! Registries, as the command line and the user's files say: who we are there, which has which package, and applications from them.

use anyhow::{Context, Result, bail};
use clap::Args;
use kobliat_registry::{Access, Credentials, Reference};
use std::path::{Path, PathBuf};

#[derive(Args, Clone, Default)]
pub struct RegistryFlags {
    /// Ask registries without TLS, also on other machines
    #[arg(short = 'k', long)]
    insecure: bool,
}

impl RegistryFlags {
    /// Credentials are docker's; where packages are is in the configuration of `wkg`.
    pub fn access(&self) -> Access {
        let docker = directory("DOCKER_CONFIG").or_else(|| in_home(".docker"));
        let config = directory("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
        Access {
            credentials: Credentials::in_directory(docker.as_deref()),
            insecure: self.insecure,
            packages: config.map(|config| config.join("wasm-pkg/config.toml")),
        }
    }
}

fn directory(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn in_home(folder: &str) -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(folder))
}

/// The application in a registry that `from` names; `None` when it is a file or a folder, or could only be one.
pub fn application(from: &Path) -> Option<Reference> {
    if from.exists() { None } else { kobliat_registry::reference(from.to_str()?) }
}

/// Fetches it into the cache, where it is an application like any other.
pub async fn pull(reference: &Reference, access: &Access, cache: Option<&Path>) -> Result<PathBuf> {
    let own = || directory("XDG_CACHE_HOME").or_else(|| in_home(".cache")).map(|cache| cache.join("kobliat"));
    let Some(cache) = cache.map(Path::to_owned).or_else(own) else {
        bail!("there is no place to keep `{reference}`; name one by `--cache-dir`");
    };
    let pulled = kobliat_registry::pull(reference, access, &cache.join("applications")).await;
    pulled.with_context(|| format!("failed to start the application `{reference}`"))
}
