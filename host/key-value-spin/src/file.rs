//! One SQLite file, which holds the stores of any number of labels.

use std::path::Path;
use std::sync::Arc;

use kobliat_factor_key_value::Store;
use kobliat_sqlite::{Database, Error, Options, Statistics};

use crate::sql;
use crate::store::SpinStore;

pub struct StoreFile(Arc<Database>);

impl StoreFile {
    /// Opens the file, and makes it and its directories if need be.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let database = Database::open(path, Options::default())?;
        database.session().execute(sql::CREATE, Vec::new()).await?;
        Ok(Self(database))
    }

    /// The store of one label. Labels that share a file do not see each other's keys.
    pub fn store(&self, label: &str) -> Arc<dyn Store> {
        Arc::new(SpinStore::new(Arc::clone(&self.0), label))
    }

    pub fn statistics(&self) -> Statistics {
        self.0.statistics()
    }

    /// Finishes what was accepted, then closes the file. Call it when no guest runs any more.
    pub async fn close(&self) {
        self.0.close().await;
    }
}
