//! Generated secrets: made once, kept in `<state>/secrets.toml`, readable by their owner only.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// 256 bits: beyond guessing.
const SECRET_BYTES: usize = 32;
/// Read and write for the owner.
const MODE: u32 = 0o600;

const HEADER: &str = "\
# Secrets that the host made, because [application.tool.kobliat] generate_secrets in spin.toml asks for them.
# Replace a value with your provider's where there is one; delete a line to have it made anew.
";

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("cannot read the generated secrets in {}: {reason}; make it readable or move it away", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{} holds secrets, but others can open it (mode {mode:04o}); run `chmod 600 {}`", path.display(), path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("cannot write generated secrets to {}: {reason}", path.display())]
    Unwritable { path: PathBuf, reason: String },
}

/// The file, whether it exists yet or not.
pub struct SecretsFile {
    path: PathBuf,
}

impl SecretsFile {
    pub fn in_state_dir(state_dir: &Path) -> Self {
        Self { path: state_dir.join("secrets.toml") }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; nothing when it does not exist.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, String>, SecretsError> {
        let unreadable = |reason: String| SecretsError::Unreadable { path: self.path.clone(), reason };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(cause) => return Err(unreadable(cause.to_string())),
        };
        let mode = file.metadata().map_err(|cause| unreadable(cause.to_string()))?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SecretsError::Exposed { path: self.path.clone(), mode });
        }
        let text = io::read_to_string(&mut file).map_err(|cause| unreadable(cause.to_string()))?;
        // The parser's own message would show the line, and with it a secret.
        toml::from_str(&text).map_err(|_| unreadable("it is not a list of `name = \"value\"` lines".to_owned()))
    }

    /// Makes a secret for each name and keeps it with those that are there already. Returns only when it is on disk.
    pub(crate) fn add(&self, names: &[String]) -> Result<BTreeMap<String, String>, SecretsError> {
        let mut secrets = self.read()?;
        for name in names {
            secrets.insert(name.clone(), random().map_err(|reason| self.unwritable(reason))?);
        }
        self.write(&secrets).map_err(|cause| self.unwritable(cause.to_string()))?;
        Ok(secrets)
    }

    fn unwritable(&self, reason: String) -> SecretsError {
        SecretsError::Unwritable { path: self.path.clone(), reason }
    }

    fn write(&self, secrets: &BTreeMap<String, String>) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        kobliat_private_files::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().permissions(fs::Permissions::from_mode(MODE)).tempfile_in(folder)?;
        let lines = toml::to_string(secrets).map_err(io::Error::other)?;
        file.write_all(HEADER.as_bytes())?;
        file.write_all(lines.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(folder)?.sync_all()
    }
}

fn random() -> Result<String, String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| cause.to_string())?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn makes_secrets_once_and_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::in_state_dir(&folder.path().join("not/yet"));
        assert!(file.read().unwrap().is_empty());
        let first = file.add(&names(&["a"])).unwrap();
        let second = file.add(&names(&["b"])).unwrap();
        assert_eq!(first["a"].len(), 2 * SECRET_BYTES);
        assert_eq!(first["a"], second["a"]);
        assert_ne!(second["a"], second["b"]);
        assert_eq!(file.read().unwrap(), second);
        let mode = fs::metadata(file.path()).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, MODE);
    }

    #[test]
    fn refuses_a_file_that_others_can_open() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::in_state_dir(folder.path());
        file.add(&names(&["a"])).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let error = file.add(&names(&["b"])).unwrap_err().to_string();
        assert!(error.contains("mode 0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::in_state_dir(folder.path());
        file.add(&names(&["a"])).unwrap();
        for damaged in ["a = \"hunter2", "a = 5", "[a]\nb = \"hunter2\"", "\u{0}"] {
            fs::write(file.path(), damaged).unwrap();
            let error = file.add(&names(&["b"])).unwrap_err().to_string();
            assert!(error.contains("name = \"value\"") && !error.contains("hunter2"), "{error}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), damaged, "it is left as it was");
        }
    }

    #[test]
    fn an_unreadable_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::in_state_dir(folder.path());
        fs::create_dir(file.path()).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(file.read(), Err(SecretsError::Unreadable { .. })));
    }
}
