//! Migrations: applied in order, all in one transaction, each once, whichever instance comes first.

use super::{Driver, Execute, SqlError, database::transact, statements::split};

/// A numbered file of statements; never edited after it has landed.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub number: u32,
    pub sql: &'static str,
    /// The module of SQLite without which it is passed over.
    module: Option<&'static str>,
}

impl Migration {
    pub const fn new(number: u32, sql: &'static str) -> Self {
        Self { number, sql, module: None }
    }

    /// For what a store may lack: where its SQLite does not have the module, nothing of this is done, and the service finds
    /// another way. Its first statement has to be the one that needs it.
    #[must_use]
    pub const fn needing(self, module: &'static str) -> Self {
        Self { module: Some(module), ..self }
    }

    fn is_passed_over(&self, error: &SqlError) -> bool {
        let lacks = |module: &str| format!("no such module: {module}");
        matches!((self.module, error), (Some(module), SqlError::Failed(reason)) if reason.contains(&lacks(module)))
    }
}

const APPLIED: &str = "SELECT coalesce(max(number), 0) FROM schema_migrations";

/// One read when there is nothing to do, which is nearly always.
pub(super) async fn apply<D: Driver>(driver: &D, migrations: &[Migration]) -> Result<(), SqlError> {
    let newest = migrations.iter().map(|m| m.number).max().unwrap_or(0);
    // An error means that there is no table yet; when it means more, the transaction below says so.
    if applied(&*driver.shared().await?).await.is_ok_and(|number| number >= newest) {
        return Ok(());
    }
    transact(driver, async |connection: &D::Connection| apply_missing(connection, migrations).await).await
}

async fn apply_missing(connection: &impl Execute, migrations: &[Migration]) -> Result<(), SqlError> {
    const TABLE: &str =
        "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)";
    const RECORD: &str = "INSERT INTO schema_migrations (number, applied_at) VALUES (?, CURRENT_TIMESTAMP)";
    connection.execute(TABLE, Vec::new()).await?;
    let done = applied(connection).await?;
    for migration in migrations.iter().filter(|m| m.number > done) {
        match run(connection, migration).await {
            // The statement that failed has done nothing, and it was the first.
            Err(error) if migration.is_passed_over(&error) => {}
            done => done?,
        }
        connection.execute(RECORD, vec![migration.number.into()]).await?;
    }
    Ok(())
}

async fn run(connection: &impl Execute, migration: &Migration) -> Result<(), SqlError> {
    for statement in split(migration.sql) {
        connection.execute(statement, Vec::new()).await?;
    }
    Ok(())
}

async fn applied(connection: &impl Execute) -> Result<u32, SqlError> {
    let mut rows = connection.execute(APPLIED, Vec::new()).await?;
    rows.first_mut().ok_or_else(|| SqlError::Row("no count of migrations".to_owned()))?.take()
}
