//! runtime-config.toml: which backend answers each label. Spin's format; keys that nobody reads are refused.

use crate::error::StartError;
use kobliat_factor_variables::Provider;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Read from the file, with its paths made independent of the working directory.
#[derive(Debug, Default)]
pub struct RuntimeConfig {
    /// The file's own directory: what its relative paths are relative to. Spin takes SQLite paths relative to the working
    /// directory; run from the file's directory both mean the same.
    base: PathBuf,
    file: File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state_dir: Option<PathBuf>,
    log_dir: Option<PathBuf>,
    #[serde(default)]
    key_value_store: BTreeMap<String, KeyValueStore>,
    #[serde(default)]
    sqlite_database: BTreeMap<String, SqliteDatabase>,
    #[serde(default, alias = "config_provider")]
    variables_provider: Vec<VariablesProvider>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum KeyValueStore {
    Spin { path: Option<PathBuf> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum SqliteDatabase {
    Spin { path: Option<PathBuf> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum VariablesProvider {
    Static { values: BTreeMap<String, String> },
    Env { prefix: Option<String>, dotenv_path: Option<PathBuf> },
}

impl RuntimeConfig {
    /// Reads the named file; without a name the one beside the manifest, which need not exist.
    pub fn load(named: Option<&Path>, manifest_dir: &Path) -> Result<Self, StartError> {
        let default = manifest_dir.join("runtime-config.toml");
        let path = named.unwrap_or(&default);
        if named.is_none() && !path.exists() {
            return Ok(Self { base: manifest_dir.to_path_buf(), file: File::default() });
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| StartError::because(format_args!("read `{}`", path.display()), error))?;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::parse(&text, base).map_err(|error| StartError::new(format!("{}: {error}", path.display())))
    }

    pub fn parse(text: &str, base: &Path) -> Result<Self, toml::de::Error> {
        Ok(Self { base: base.to_path_buf(), file: toml::from_str(text)? })
    }

    /// The state directory that the file names.
    pub fn state_dir(&self) -> Option<PathBuf> {
        self.file.state_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty()).map(|dir| self.base.join(dir))
    }

    /// Where the components' output goes; `None` when the file turns it off with `""`.
    pub fn log_dir(&self, state_dir: &Path) -> Option<PathBuf> {
        match &self.file.log_dir {
            Some(dir) if dir.as_os_str().is_empty() => None,
            Some(dir) => Some(self.base.join(dir)),
            None => Some(state_dir.join("logs")),
        }
    }

    /// Label to file. A store without `path` is a file in the state directory.
    pub fn key_value_stores(&self, state_dir: &Path) -> BTreeMap<String, PathBuf> {
        let mut stores = BTreeMap::from([("default".to_string(), state_dir.join("sqlite_key_value.db"))]);
        for (label, KeyValueStore::Spin { path }) in &self.file.key_value_store {
            let path = match path {
                Some(path) => self.rebase(path, state_dir),
                None => state_dir.join(format!("key_value_{label}.db")),
            };
            stores.insert(label.clone(), path);
        }
        stores
    }

    /// Label to file. A path inside the file's own `state_dir` follows the one in force, so that `--state-dir` alone makes
    /// a platform with data of its own.
    pub fn sqlite_databases(&self, state_dir: &Path) -> BTreeMap<String, PathBuf> {
        let mut databases = BTreeMap::from([("default".to_string(), state_dir.join("sqlite_db.db"))]);
        for (label, SqliteDatabase::Spin { path }) in &self.file.sqlite_database {
            let path = match path {
                Some(path) => self.rebase(path, state_dir),
                None => state_dir.join(format!("{label}.db")),
            };
            databases.insert(label.clone(), path);
        }
        databases
    }

    fn rebase(&self, path: &Path, state_dir: &Path) -> PathBuf {
        let inside = self.file.state_dir.as_ref().and_then(|own| path.strip_prefix(own).ok());
        match inside {
            Some(rest) => state_dir.join(rest),
            None => self.base.join(path),
        }
    }

    pub fn providers(&self) -> Vec<Provider> {
        self.file.variables_provider.iter().map(|provider| self.provider(provider)).collect()
    }

    fn provider(&self, provider: &VariablesProvider) -> Provider {
        match provider {
            VariablesProvider::Static { values } => Provider::Static { values: values.clone() },
            VariablesProvider::Env { prefix, dotenv_path } => Provider::Env {
                prefix: prefix.clone(),
                dotenv_path: dotenv_path.as_ref().map(|path| self.base.join(path)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        state_dir = ".kobliat"
        [sqlite_database.customer]
        type = "spin"
        path = ".kobliat/customer.db"
        [sqlite_database.elsewhere]
        type = "spin"
        path = "data/elsewhere.db"
        [[variables_provider]]
        type = "static"
        values = { a = "1" }
    "#;

    #[test]
    fn paths_inside_the_state_directory_follow_it() {
        let config = RuntimeConfig::parse(FILE, Path::new("/app")).unwrap();
        assert_eq!(config.state_dir().unwrap(), Path::new("/app/.kobliat"));
        let databases = config.sqlite_databases(Path::new("/tmp/own"));
        assert_eq!(databases["customer"], Path::new("/tmp/own/customer.db"));
        assert_eq!(databases["elsewhere"], Path::new("/app/data/elsewhere.db"));
        assert_eq!(databases["default"], Path::new("/tmp/own/sqlite_db.db"));
    }

    #[test]
    fn an_empty_log_dir_turns_logs_off() {
        let state = Path::new("/state");
        let config = RuntimeConfig::parse("log_dir = \"\"", Path::new("/app")).unwrap();
        assert_eq!(config.log_dir(state), None);
        assert_eq!(RuntimeConfig::default().log_dir(state).unwrap(), Path::new("/state/logs"));
    }

    #[test]
    fn refuses_keys_that_nobody_reads_and_says_where() {
        let error = RuntimeConfig::parse("state_dri = \"x\"\n", Path::new("/app")).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("state_dri") && error.contains("state_dir"), "{error}");
        let bad_type = "[sqlite_database.a]\ntype = \"libsqll\"\n";
        assert!(RuntimeConfig::parse(bad_type, Path::new("/app")).is_err());
    }
}
