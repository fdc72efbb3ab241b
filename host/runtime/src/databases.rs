//! The SQLite databases of the application, and which component may open which.

use crate::error::StartError;
use crate::factors::Settings;
use crate::grants::{grants, owned};
use kobliat_factor_sqlite::{DatabaseConfig, SqliteFactor};

/// With what `before` has open, where there was something before.
pub fn open(settings: &Settings<'_>, before: Option<&SqliteFactor>) -> Result<SqliteFactor, StartError> {
    let Settings { manifest, config, state_dir, options, .. } = settings;
    let grants = grants(manifest, options.links, |component| &component.sqlite_databases, |own| &own.sqlite_databases);
    let granted = |label: &str| grants.values().any(|labels| labels.iter().any(|granted| granted == label));
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
