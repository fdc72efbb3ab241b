//! The application's databases by label, opened at start: what is wrong with one is said before anything serves.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

pub(crate) struct Databases(HashMap<String, Arc<Database>>);

impl Databases {
    pub fn open(
        configs: HashMap<String, DatabaseConfig>,
        grants: &HashMap<String, Vec<String>>,
    ) -> Result<Self, StartError> {
        let mut problems = unknown_labels(&configs, grants);
        let mut by_path = HashMap::new();
        let mut databases = HashMap::new();
        for (label, config) in configs {
            match open_once(&config.path, &mut by_path) {
                Ok(database) => drop(databases.insert(label, database)),
                Err(error) => problems.push(format!("[sqlite_database.{label}]: {error}")),
            }
        }
        problems.sort();
        if problems.is_empty() { Ok(Self(databases)) } else { Err(StartError(problems)) }
    }

    pub fn get(&self, label: &str) -> Option<&Arc<Database>> {
        self.0.get(label)
    }

    pub fn labels(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub fn statistics(&self) -> Vec<(String, Statistics)> {
        let mut all: Vec<_> = self.0.iter().map(|(label, database)| (label.clone(), database.statistics())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    pub async fn close(&self) {
        for database in self.0.values() {
            database.close().await;
        }
    }
}

/// Labels that share a file share its database: two writers of one file would wait for each other's locks.
fn open_once(
    path: &Path,
    by_path: &mut HashMap<PathBuf, Arc<Database>>,
) -> Result<Arc<Database>, kobliat_sqlite::Error> {
    let key = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Some(database) = by_path.get(&key) {
        return Ok(database.clone());
    }
    let database = Database::open(&key, Options::default())?;
    by_path.insert(key, database.clone());
    Ok(database)
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
