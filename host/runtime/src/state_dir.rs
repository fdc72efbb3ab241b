//! The state directory: databases, secrets, logs and compiled components of one running platform.

use crate::error::StartError;
use crate::runtime_config::RuntimeConfig;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The state directory of an application: what is named, else the runtime config's, else `.kobliat` beside the manifest.
pub fn state_dir_of(manifest: &Path, named: Option<&Path>) -> Result<PathBuf, StartError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let dir = if manifest.is_dir() { manifest } else { manifest.parent().unwrap_or(Path::new("")) };
    let config = RuntimeConfig::load(None, dir)?;
    Ok(config.state_dir().unwrap_or_else(|| dir.join(".kobliat")))
}

/// Held as long as the host runs: a second host on the same files would write to the same databases.
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    pub fn open(path: PathBuf) -> Result<Self, StartError> {
        let failed = |error: std::io::Error| {
            StartError::because(format_args!("use the state directory `{}`", path.display()), error)
        };
        fs::create_dir_all(&path).map_err(failed)?;
        // Absolute, so that what is printed can be pasted anywhere.
        let path = path.canonicalize().map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::new(format!(
                "another host runs on the state directory `{}`; stop it, or give this one another with `--state-dir`",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(StartError::because("lock the state directory", error)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn component_cache(&self) -> PathBuf {
        self.path.join("cache")
    }
}
