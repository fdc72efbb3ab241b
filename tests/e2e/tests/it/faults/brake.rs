//! Holding the host at a statement, from outside: the way to kill it exactly between two commits, without a hook in it.
//!
//! A trigger without an end, put into the host's database by a second program, keeps that statement under way and its
//! transaction open. All before it is on disk, nothing of it will be.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The host's commits are short; only a brake holds a file for longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Brake(PathBuf);

impl Brake {
    /// `when` is the trigger's, like `BEFORE DELETE ON outbox`.
    pub fn on(state: &Path, database: &str, when: &str) -> Self {
        let path = file(state, database);
        let sql = format!(
            "BEGIN IMMEDIATE;
             CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;
             CREATE TRIGGER brake {when} BEGIN SELECT count(*) FROM endless; END;
             COMMIT;"
        );
        open(&path).execute_batch(&sql).unwrap();
        Self(path)
    }

    /// After the host is gone.
    pub fn release(self) {
        open(&self.0).execute_batch("DROP TRIGGER brake; DROP VIEW endless;").unwrap();
    }
}

/// Whether somebody is writing to the database just now.
pub fn is_locked(state: &Path, database: &str) -> bool {
    let other = open(&file(state, database));
    other.busy_timeout(Duration::ZERO).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; ROLLBACK;").is_err()
}

/// A number that is on disk; 0 where the database has not been used yet.
pub fn count(state: &Path, database: &str, query: &str) -> i64 {
    let path = file(state, database);
    if !path.exists() {
        return 0;
    }
    match open(&path).query_row(query, [], |row| row.get(0)) {
        Ok(number) => number,
        Err(error) if error.to_string().contains("no such table") => 0,
        Err(error) => panic!("{query}: {error}"),
    }
}

/// The first column, row by row.
pub fn column(state: &Path, database: &str, query: &str) -> Vec<String> {
    let connection = open(&file(state, database));
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn file(state: &Path, database: &str) -> PathBuf {
    state.join(format!("{database}.db"))
}

fn open(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection
}
