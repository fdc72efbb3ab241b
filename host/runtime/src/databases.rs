//! The SQLite databases of the application, and which component may open which.

use crate::error::StartError;
use crate::factors::Settings;
use crate::grants::{grants, owned};
use crate::options::SqlitePreset;
use kobliat_factor_sqlite::{DatabaseConfig, SqliteFactor};
use kobliat_private_files as private_files;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// With what `before` has open, where there was something before.
pub fn open(settings: &Settings<'_>, before: Option<&SqliteFactor>) -> Result<SqliteFactor, StartError> {
    let Settings { manifest, config, state_dir, options, .. } = settings;
    let grants = grants(manifest, options.links, |component| &component.sqlite_databases, |own| &own.sqlite_databases);
    let granted = |label: &str| grants.values().any(|labels| labels.iter().any(|granted| granted == label));
    if before.is_none() {
        preset(&config.sqlite_databases(state_dir), &options.sqlite)?;
    }
    let databases = config.sqlite_databases(state_dir).into_iter();
    // Only `default` has an entry that nobody wrote; its file is made when somebody uses it.
    let databases = databases.filter(|(label, _)| label != "default" || granted(label));
    let databases = databases.map(|(label, path)| (label, DatabaseConfig { path })).collect();
    let grants = owned(grants);
    let factor = match before {
        Some(before) => before.regranted(databases, grants),
        None => SqliteFactor::new(databases, grants),
    };
    factor.map_err(|error| StartError::new(error.to_string()))
}

/// `--sqlite`: on a connection of its own, while nobody else has the file open, so that a script may hold transactions.
fn preset(databases: &BTreeMap<String, PathBuf>, presets: &[SqlitePreset]) -> Result<(), StartError> {
    for SqlitePreset { label, sql } in presets {
        let Some(path) = databases.get(label) else {
            let known: Vec<&str> = databases.keys().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(StartError::new(format!("`--sqlite`: there is no database `{label}`; there is {known}")));
        };
        run(path, sql).map_err(|error| {
            StartError::because(format_args!("run the statements of `--sqlite` in the database `{label}`"), error)
        })?;
    }
    Ok(())
}

fn run(path: &Path, sql: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        private_files::create_dir_all(folder)?;
        kobliat_factor_sqlite::prepare(folder);
    }
    private_files::prepare(path)?;
    Ok(Connection::open(path)?.execute_batch(sql)?)
}
