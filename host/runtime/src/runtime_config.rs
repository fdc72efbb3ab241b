//! runtime-config.toml: which backend answers each label. Spin's format; keys that nobody reads are refused.

mod file;
mod network;
mod refusals;

use crate::error::StartError;
use file::{File, KeyValueStore, SqliteDatabase, VariablesProvider};
use kobliat_factor_variables::Provider;
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
        let config =
            Self::parse(&text, base).map_err(|error| StartError::new(format!("{}: {error}", path.display())))?;
        let refusals = refusals::refusals(&config.file);
        StartError::from_all(refusals.iter().map(|reason| format!("{}: {reason}", path.display())).collect())?;
        Ok(config)
    }

    pub fn parse(text: &str, base: &Path) -> Result<Self, toml::de::Error> {
        Ok(Self { base: base.to_path_buf(), file: toml::from_str(text)? })
    }

    /// The directory that the file is in, or would be.
    pub fn dir(&self) -> &Path {
        &self.base
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
        for (label, store) in &self.file.key_value_store {
            let KeyValueStore::Spin { path } = store else { continue };
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
        for (label, database) in &self.file.sqlite_database {
            let SqliteDatabase::Spin { path, .. } = database else { continue };
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
        self.file.variables_provider.iter().filter_map(|provider| self.provider(provider)).collect()
    }

    fn provider(&self, provider: &VariablesProvider) -> Option<Provider> {
        match provider {
            VariablesProvider::Static { values } => Some(Provider::Static { values: values.clone() }),
            VariablesProvider::Env { prefix, dotenv_path } => Some(Provider::Env {
                prefix: prefix.clone(),
                dotenv_path: dotenv_path.as_ref().map(|path| self.base.join(path)),
            }),
            VariablesProvider::Vault(_) | VariablesProvider::AzureKeyVault(_) => None,
        }
    }

    /// What `next` has otherwise and no running host can follow. Labels may come and go, and variables change.
    pub fn fixed_differences(&self, next: &Self, state_dir: &Path) -> Vec<String> {
        let (old, new) = (&self.file, &next.file);
        let keys = [
            ("`state_dir`", old.state_dir == new.state_dir),
            ("`log_dir`", old.log_dir == new.log_dir),
            ("[llm_compute]", old.llm_compute == new.llm_compute),
            ("[outbound_networking]", old.outbound_networking == new.outbound_networking),
            ("[[client_tls]]", old.client_tls == new.client_tls),
            ("[outbound_http]", old.outbound_http == new.outbound_http),
        ];
        let changed = keys.iter().filter(|(_, same)| !same).map(|(key, _)| format!("{key} of the runtime config"));
        let moved = |kind: &str, old: BTreeMap<String, PathBuf>, new: BTreeMap<String, PathBuf>| {
            let moved = old.into_iter().filter(|(label, path)| new.get(label).is_some_and(|there| there != path));
            moved.map(|(label, _)| format!("`path` of [{kind}.{label}]")).collect::<Vec<_>>()
        };
        let databases = moved("sqlite_database", self.sqlite_databases(state_dir), next.sqlite_databases(state_dir));
        let stores = moved("key_value_store", self.key_value_stores(state_dir), next.key_value_stores(state_dir));
        changed.chain(databases).chain(stores).collect()
    }

    /// Bytes that an instance may have, however much its component allows it.
    pub fn max_instance_memory(&self) -> Option<u64> {
        self.file.max_instance_memory
    }
}

#[cfg(test)]
mod tests;
