//! The SQLite databases of the application, and which component may open which.

use crate::components::is_composed;
use crate::error::StartError;
use crate::runtime_config::RuntimeConfig;
use kobliat_factor_sqlite::{DatabaseConfig, SqliteFactor};
use kobliat_manifest::Manifest;
use std::collections::HashMap;
use std::path::Path;

pub fn open(
    manifest: &Manifest,
    config: &RuntimeConfig,
    state_dir: &Path,
    links: bool,
) -> Result<SqliteFactor, StartError> {
    let mut grants = HashMap::new();
    for (id, component) in &manifest.components {
        let labels = if is_composed(component, links) {
            &component.sqlite_databases
        } else {
            &component.kobliat.own.sqlite_databases
        };
        grants.insert(id.clone(), labels.clone());
    }
    let granted = |label: &str| grants.values().flatten().any(|granted| granted == label);
    let databases = config.sqlite_databases(state_dir).into_iter();
    // Only `default` has an entry that nobody wrote; its file is made when somebody uses it.
    let databases = databases.filter(|(label, _)| label != "default" || granted(label));
    let databases = databases.map(|(label, path)| (label, DatabaseConfig { path })).collect();
    SqliteFactor::new(databases, grants).map_err(|error| StartError::new(error.to_string()))
}
