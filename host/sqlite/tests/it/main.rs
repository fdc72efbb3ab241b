//! The engine through its public API: one binary, one module per promise.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod checkpoints;
mod crash;
mod disk;
mod full_text;
mod limits;
mod memory;
mod neighbours;
mod power_loss;
mod refusals;
mod statements;
mod transactions;

use std::sync::Arc;

use kobliat_sqlite::{Database, Options, Session, Value};
use tempfile::TempDir;

/// A database in a directory that goes with it.
struct TestDatabase {
    database: Arc<Database>,
    directory: TempDir,
}

impl TestDatabase {
    /// With a table `t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER)`.
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(directory.path().join("deep/test.db"), options).unwrap();
        let test = Self { database, directory };
        test.session().ok("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER)").await;
        test
    }

    fn session(&self) -> Session {
        self.database.session()
    }

    async fn count(&self) -> i64 {
        self.session().number("SELECT count(*) FROM t").await
    }
}

/// What the tests say most often.
trait Say {
    async fn ok(&self, sql: &str) -> Vec<Vec<Value>>;
    async fn number(&self, sql: &str) -> i64;
    async fn error(&self, sql: &str) -> String;
}

impl Say for Session {
    async fn ok(&self, sql: &str) -> Vec<Vec<Value>> {
        self.execute(sql, vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows
    }

    async fn number(&self, sql: &str) -> i64 {
        match self.ok(sql).await.first().and_then(|row| row.first()) {
            Some(Value::Integer(number)) => *number,
            other => panic!("{sql}: {other:?}"),
        }
    }

    async fn error(&self, sql: &str) -> String {
        match self.execute(sql, vec![]).await {
            Err(error) => error.to_string(),
            Ok(output) => panic!("{sql}: {output:?}"),
        }
    }
}
