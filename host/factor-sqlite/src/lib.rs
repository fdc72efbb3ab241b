//! `spin:sqlite` for guests: opens the configured databases, says which component may use which, and runs the statements
//! on [`kobliat_sqlite`], whose bounds and refusals (no ATTACH, no `OR ROLLBACK`, transactions in turn) are the guests'.

mod bindings;
mod databases;
mod host;
mod instance;
mod legacy;
mod rows;
mod spans;

pub use databases::{DatabaseConfig, StartError};
/// Before a connection that is not the factor's.
pub use kobliat_sqlite::prepare;

use std::collections::HashMap;
use std::sync::Arc;

use kobliat_engine::{Factor, Grant, Probing, State};
use kobliat_sqlite::{Database, Statistics};
use wasmtime::component::Linker;

use crate::bindings::fermyon::spin::sqlite as legacy_sqlite;
use crate::bindings::spin::sqlite::sqlite;
use crate::databases::Databases;
use crate::instance::{Instance, SqliteHost, grant};

/// The capability: all databases of the application, and each component's share of them.
pub struct SqliteFactor {
    databases: Arc<Databases>,
    grants: HashMap<String, Arc<Grant<Arc<Database>>>>,
}

impl SqliteFactor {
    /// Opens every database, and makes those that are missing. `grants` are the labels that each component may open.
    ///
    /// Refused, all reasons at once: a file that cannot be opened, a granted label without a database.
    pub fn new(
        databases: HashMap<String, DatabaseConfig>,
        grants: HashMap<String, Vec<String>>,
    ) -> Result<Self, StartError> {
        Self::with(Arc::default(), databases, grants)
    }

    /// The same databases, and those of `databases` that are new, for other grants. What was opened stays so until
    /// [`SqliteFactor::shutdown`] of either.
    pub fn regranted(
        &self,
        databases: HashMap<String, DatabaseConfig>,
        grants: HashMap<String, Vec<String>>,
    ) -> Result<Self, StartError> {
        Self::with(Arc::clone(&self.databases), databases, grants)
    }

    fn with(
        databases: Arc<Databases>,
        configs: HashMap<String, DatabaseConfig>,
        grants: HashMap<String, Vec<String>>,
    ) -> Result<Self, StartError> {
        databases.open(configs, &grants)?;
        let grants = grants.into_iter().map(|(component, labels)| {
            let grant = grant(&component, &labels, &databases);
            (component, grant)
        });
        let grants = grants.collect();
        Ok(Self { databases, grants })
    }

    /// Finishes what was accepted, then closes every database. Call it when no guest runs any more.
    pub async fn shutdown(&self) {
        self.databases.close().await;
    }

    /// The number that `sql` reads from the database; `None` where there is no such database or no such number.
    pub async fn read_number(&self, label: &str, sql: &str) -> Option<i64> {
        let output = self.databases.get(label)?.session().execute(sql, Vec::new()).await.ok()?;
        match output.rows.first()?.first()? {
            kobliat_sqlite::Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Counters of each database, by label.
    pub fn statistics(&self) -> Vec<(String, Statistics)> {
        self.databases.statistics()
    }
}

impl Factor for SqliteFactor {
    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        sqlite::add_to_linker::<State, SqliteHost>(linker, SqliteHost::of)?;
        legacy_sqlite::add_to_linker::<State, SqliteHost>(linker, SqliteHost::of)
    }

    fn prepare_instance(&self, component: &str, state: &mut State) -> wasmtime::Result<()> {
        let grant = match self.grants.get(component) {
            Some(grant) => grant.clone(),
            None => grant(component, &[], &self.databases),
        };
        let read_only = state.get::<Probing>().is_some();
        let allowance = state.allowance().clone();
        state.insert(Instance::new(grant, allowance, read_only));
        Ok(())
    }
}
