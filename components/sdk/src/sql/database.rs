//! A service's database: opened and migrated at first use, then single statements and transactions.

use std::cell::Cell;

use super::{Driver, Execute, Migration, Row, SqlError, Value, migration};

pub struct Database<D> {
    driver: D,
    migrations: &'static [Migration],
    /// Once in an instance's life; two requests that find it unset both look, and the database settles who migrates.
    is_ready: Cell<bool>,
}

impl<D: Driver> Database<D> {
    /// Touches nothing yet.
    pub fn new(driver: D, migrations: &'static [Migration]) -> Self {
        Self { driver, migrations, is_ready: Cell::new(false) }
    }

    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// Whether this is one of its migrations.
    pub fn has(&self, migration: &str) -> bool {
        self.migrations.iter().any(|m| m.sql == migration)
    }

    /// One statement, durable when it returns.
    pub async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, SqlError> {
        self.single(async |connection: &D::Connection| connection.execute(sql, parameters).await).await
    }

    /// Runs `work`, of one statement, on the shared connection: durable when it returns.
    pub async fn single<T, E: From<SqlError>>(
        &self,
        work: impl AsyncFnOnce(&D::Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.ready().await?;
        let shared = self.driver.shared().await?;
        let result = work(&shared).await;
        if result.is_err() {
            self.driver.discard_shared();
        }
        result
    }

    /// Runs `work` in a transaction: committed and durable when it returns `Ok`, undone when it returns `Err` or is abandoned.
    /// Do nothing in it but statements: it holds the database's only writer.
    pub async fn transaction<T, E: From<SqlError>>(
        &self,
        work: impl AsyncFnOnce(&D::Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.ready().await?;
        transact(&self.driver, work).await
    }

    async fn ready(&self) -> Result<(), SqlError> {
        if !self.is_ready.get() {
            migration::apply(&self.driver, self.migrations).await?;
            self.is_ready.set(true);
        }
        Ok(())
    }
}

/// `IMMEDIATE`: the writer is taken at the start, so that what is read inside is still true at the commit.
pub(super) async fn transact<D: Driver, T, E: From<SqlError>>(
    driver: &D,
    work: impl AsyncFnOnce(&D::Connection) -> Result<T, E>,
) -> Result<T, E> {
    let connection = driver.take().await?;
    connection.execute("BEGIN IMMEDIATE", Vec::new()).await?;
    match work(&connection).await {
        Ok(done) => {
            connection.execute("COMMIT", Vec::new()).await?;
            driver.give_back(connection);
            Ok(done)
        }
        Err(error) => {
            // The connection is dropped whatever comes of this: nothing of the transaction survives it.
            let _ = connection.execute("ROLLBACK", Vec::new()).await;
            Err(error)
        }
    }
}
