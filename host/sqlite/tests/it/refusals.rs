//! What a session may not do, tried past every layer: the classification, and SQLite's authorizer behind it.

use kobliat_sqlite::{Database, Error, Options};

use crate::{Say, TestDatabase};

#[tokio::test]
async fn what_reaches_beyond_the_session_is_refused() {
    let test = TestDatabase::start().await;
    let session = test.session();
    for sql in [
        "ATTACH DATABASE '/tmp/x.db' AS x",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA defer_foreign_keys = ON",
        "VACUUM INTO '/tmp/x.db'",
        "CREATE TEMP TABLE x (y)",
        "CREATE TABLE temp.x (y)",
        "EXPLAIN BEGIN",
        "INSERT OR ROLLBACK INTO t (n) VALUES (1)",
        "SELECT 1; DROP TABLE t",
        "INSERT INTO t (n) VALUES (1); DROP TABLE t",
        "",
    ] {
        let error = session.execute(sql, vec![]).await.unwrap_err();
        let refused = matches!(error, Error::Refused(_)) || error.to_string().contains("load_extension");
        assert!(refused, "{sql}: {error:?}");
    }
    assert_eq!(test.count().await, 0);
}

#[tokio::test]
async fn harmless_pragmas_work() {
    let test = TestDatabase::start().await;
    let session = test.session();
    assert_eq!(session.ok("PRAGMA table_info(t)").await.len(), 3);
    assert_eq!(session.ok("SELECT name FROM pragma_table_info('t')").await.len(), 3);
    assert_eq!(session.number("PRAGMA foreign_keys").await, 1);
    session.ok("PRAGMA foreign_keys = ON").await;
    session.ok("PRAGMA user_version = 7").await;
    assert_eq!(session.number("PRAGMA user_version").await, 7);
    assert_eq!(session.ok("PRAGMA integrity_check").await, [["ok".into()]]);
}

#[tokio::test]
async fn refusals_hold_inside_a_transaction_and_leave_it_open() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("BEGIN").await;
    session.ok("INSERT INTO t (n) VALUES (1)").await;
    for sql in ["BEGIN", "ATTACH 'x' AS y", "PRAGMA query_only = ON", "SELECT 1; COMMIT", "CREATE TABLE temp.x (y)"] {
        session.error(sql).await;
    }
    session.ok("COMMIT").await;
    assert_eq!(test.count().await, 1);
}

#[tokio::test]
async fn a_file_whose_schema_rolls_back_is_refused_at_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.db");
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE risky (x UNIQUE ON CONFLICT ROLLBACK)").unwrap();
    drop(foreign);
    let error = Database::open(&path, Options::default()).err().unwrap().to_string();
    assert!(error.contains("risky") && error.contains("ABORT"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_at_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text.db");
    std::fs::write(&path, "this is text, and long enough to be taken for a header of a database file".repeat(9))
        .unwrap();
    let error = Database::open(&path, Options::default()).err().unwrap();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}
