//! The state directory: databases, secrets, logs and compiled components of one running platform. Other users can open
//! nothing of it.

use crate::error::StartError;
use crate::runtime_config::RuntimeConfig;
use kobliat_private_files as private_files;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use tracing::warn;

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

/// Folders of the state directory; everything in them is the host's.
const FOLDERS: [&str; 5] = ["assets", "cache", "components", "downloads", "logs"];
/// Files of the state directory beside the databases.
const FILES: [&str; 5] = ["admin-token", "admin.sock", "lock", "secrets.toml", "telemetry.json"];

impl StateDir {
    /// `application` is the folder of the manifest. A state directory that contains it stays open to other users, because
    /// they may build the application; what the host writes there is closed all the same.
    pub fn open(path: PathBuf, application: &Path) -> Result<Self, StartError> {
        let failed = |error: std::io::Error| {
            StartError::because(format_args!("use the state directory `{}`", path.display()), error)
        };
        private_files::create_dir_all(&path).map_err(failed)?;
        // Absolute, so that what is printed can be pasted anywhere.
        let path = path.canonicalize().map_err(failed)?;
        let lock = private_files::options().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {
                close(&path, application);
                Ok(Self { path, _lock: lock })
            }
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

/// Mends what an earlier version, another program or a lax umask left open.
fn close(path: &Path, application: &Path) {
    let holds_application = application.canonicalize().is_ok_and(|application| application.starts_with(path));
    if holds_application {
        warn!(
            "the state directory `{}` contains the application, so other users may list it; `--state-dir` names another",
            path.display()
        );
    } else {
        private_files::close(path);
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        FOLDERS.contains(&&*name) || FILES.contains(&&*name) || name.contains(".db")
    });
    private_files::close_trees(path, entries.map(|entry| entry.path()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn make(path: &Path, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_state_directory_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path().join("new/state"), Path::new("/nowhere")).unwrap();
        assert_eq!((mode(state.path()), mode(&state.path().join("lock"))), (0o700, 0o600));
    }

    #[test]
    fn what_was_open_to_others_is_closed_at_the_start_and_what_is_not_the_hosts_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let ours = ["messaging.db", "messaging.db-wal", "secrets.toml", "logs/a_stdout.txt", "components/x.wasm"];
        ours.iter().for_each(|name| make(&path.join(name), 0o644));
        make(&path.join("notes.txt"), 0o644);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let state = StateDir::open(path, Path::new("/nowhere")).unwrap();
        for name in ours {
            assert_eq!(mode(&state.path().join(name)), 0o600, "{name}");
        }
        assert_eq!((mode(state.path()), mode(&state.path().join("logs"))), (0o700, 0o700));
        assert_eq!(mode(&state.path().join("notes.txt")), 0o644);
    }

    #[test]
    fn a_folder_that_holds_the_application_too_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        make(&folder.path().join("customer.db"), 0o644);
        let state = StateDir::open(folder.path().to_owned(), folder.path()).unwrap();
        assert_eq!((mode(state.path()), mode(&state.path().join("customer.db"))), (0o755, 0o600));
    }
}
