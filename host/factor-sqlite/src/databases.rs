//! The application's databases by label, opened at start or when one is added: what is wrong is said before anything uses it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kobliat_sqlite::{Database, Options, Statistics};

/// Where a label's database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    pub path: PathBuf,
}

/// Why the host does not start: one line for each reason, with its fix.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct StartError(Vec<String>);

/// A label that the application has no more stays open: an old version may still finish with it.
#[derive(Default)]
pub(crate) struct Databases(Mutex<HashMap<String, Open>>);

struct Open {
    path: PathBuf,
    database: Arc<Database>,
}

impl Databases {
    /// Opens those of `configs` that are not open. Nothing is changed when one of them can not be opened.
    pub fn open(
        &self,
        configs: HashMap<String, DatabaseConfig>,
        grants: &HashMap<String, Vec<String>>,
    ) -> Result<(), StartError> {
        let mut problems = unknown_labels(&configs, grants);
        let mut open = self.lock();
        let known = open.values().map(|open| (open.path.clone(), Arc::clone(&open.database)));
        let mut by_path: HashMap<PathBuf, Arc<Database>> = known.collect();
        let mut fresh = Vec::new();
        for (label, config) in configs {
            if open.contains_key(&label) {
                continue;
            }
            let path = std::path::absolute(&config.path).unwrap_or(config.path);
            match open_once(&path, &mut by_path) {
                Ok(database) => fresh.push((label, Open { path, database })),
                Err(error) => problems.push(format!("[sqlite_database.{label}]: {error}")),
            }
        }
        problems.sort();
        if !problems.is_empty() {
            return Err(StartError(problems));
        }
        open.extend(fresh);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, label: &str) -> Option<Arc<Database>> {
        self.lock().get(label).map(|open| Arc::clone(&open.database))
    }

    pub fn labels(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub fn statistics(&self) -> Vec<(String, Statistics)> {
        let open = self.lock();
        let mut all: Vec<_> = open.iter().map(|(label, open)| (label.clone(), open.database.statistics())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    pub async fn close(&self) {
        let all: Vec<_> = self.lock().values().map(|open| Arc::clone(&open.database)).collect();
        for database in all {
            database.close().await;
        }
    }
}

/// Labels that share a file share its database: two writers of one file would wait for each other's locks.
fn open_once(
    path: &Path,
    by_path: &mut HashMap<PathBuf, Arc<Database>>,
) -> Result<Arc<Database>, kobliat_sqlite::Error> {
    if let Some(database) = by_path.get(path) {
        return Ok(database.clone());
    }
    let database = Database::open(path, options())?;
    by_path.insert(path.to_owned(), database.clone());
    Ok(database)
}

/// A service's database: the kernel has its file in memory, too, and a sort may have as much as the cache.
fn options() -> Options {
    Options { cache_bytes: 16 << 20, ..Options::default() }
}

fn unknown_labels(configs: &HashMap<String, DatabaseConfig>, grants: &HashMap<String, Vec<String>>) -> Vec<String> {
    let unknown = |(component, labels): (&String, &Vec<String>)| {
        let missing: Vec<_> = labels.iter().filter(|label| !configs.contains_key(*label)).cloned().collect();
        let component = component.clone();
        missing.into_iter().map(move |label| {
            format!("[component.{component}] lists the database `{label}`, which is not configured: add [sqlite_database.{label}] to runtime-config.toml")
        })
    };
    grants.iter().flat_map(unknown).collect()
}
