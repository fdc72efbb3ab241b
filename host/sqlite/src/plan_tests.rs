//! Which statement is what: the cases that a keyword search would get wrong.

use super::*;

fn kind(sql: &str) -> Kind {
    Plans::default().get(sql).kind.clone()
}

fn is_refused(sql: &str) -> bool {
    matches!(kind(sql), Kind::Refused(_))
}

#[test]
fn reads_and_writes() {
    for sql in [
        "SELECT 1",
        " -- x\n/* y */ select 1;",
        "VALUES (1)",
        "EXPLAIN QUERY PLAN DELETE FROM t",
        "WITH a AS (SELECT 1), replace(x) AS (VALUES (2)) SELECT * FROM a, replace",
        "WITH RECURSIVE a AS (SELECT 1) VALUES (1)",
        "PRAGMA table_info(t)",
        "PRAGMA main.table_info = 't';",
        "PRAGMA foreign_keys = ON",
        "PRAGMA user_version",
        "SELECT 'BEGIN; COMMIT', \"OR ROLLBACK\"",
        "SELECT changes FROM t",
    ] {
        assert_eq!(kind(sql), Kind::Read, "{sql}");
    }
    for sql in
        ["INSERT INTO t VALUES (1)", "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "replace into t values (1)"]
    {
        assert_eq!(kind(sql), Kind::Write { counts: true }, "{sql}");
    }
    for sql in ["CREATE TABLE t (x)", "DROP TABLE t", "PRAGMA user_version = 3", "REINDEX", "ANALYZE"] {
        assert_eq!(kind(sql), Kind::Write { counts: false }, "{sql}");
    }
    assert_eq!(kind("SELECT last_insert_rowid()"), Kind::ReadConnection);
}

#[test]
fn transaction_control() {
    let control = |sql: &str| match kind(sql) {
        Kind::Control(control) => control,
        other => panic!("{sql}: {other:?}"),
    };
    for sql in [
        "BEGIN",
        "begin;",
        "/**/BEGIN IMMEDIATE",
        "BEGIN EXCLUSIVE TRANSACTION",
        "BEGIN CONCURRENT",
        "BEGIN TRANSACTION x",
    ] {
        assert_eq!(control(sql), Control::Begin, "{sql}");
    }
    for sql in ["COMMIT", "END", "END TRANSACTION;", "commit transaction"] {
        assert_eq!(control(sql), Control::Commit, "{sql}");
    }
    assert_eq!(control("ROLLBACK TRANSACTION"), Control::Rollback);
    assert_eq!(control("ROLLBACK TO a"), Control::RollbackTo("a".into()));
    assert_eq!(control("ROLLBACK TRANSACTION TO SAVEPOINT \"A\""), Control::RollbackTo("a".into()));
    assert_eq!(control("SAVEPOINT savepoint"), Control::Savepoint("savepoint".into()));
    assert_eq!(control("RELEASE SAVEPOINT [x y]"), Control::Release("x y".into()));
    assert_eq!(control("RELEASE savepoint"), Control::Release("savepoint".into()));
}

#[test]
fn what_reaches_beyond_the_statement_is_refused() {
    for sql in [
        "",
        " ; -- nothing".trim_start_matches([' ', ';']),
        "BEGIN; DELETE FROM t",
        "COMMIT; BEGIN",
        "ROLLBACK TO",
        "ATTACH 'x' AS y",
        "detach y",
        "VACUUM",
        "VACUUM INTO 'x'",
        "INSERT OR ROLLBACK INTO t VALUES (1)",
        "UPDATE/**/OR/**/ROLLBACK t SET x = 1",
        "CREATE TABLE t (x PRIMARY KEY ON CONFLICT ROLLBACK)",
        "CREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT raise ( rollback, 'no'); END",
        "CREATE TEMP TABLE t (x)",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA writable_schema(1)",
        "PRAGMA database_list",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "SELECT changes()",
        "SELECT 1\0",
    ] {
        assert!(is_refused(sql), "{sql}: {:?}", kind(sql));
    }
}

#[test]
fn a_word_in_an_expression_or_a_string_is_not_refused() {
    for sql in ["UPDATE t SET a = b OR rollback", "INSERT INTO t VALUES ('INSERT OR ROLLBACK', 'RAISE(ROLLBACK)')"] {
        assert_eq!(kind(sql), Kind::Write { counts: true }, "{sql}");
    }
}

#[test]
fn the_map_stays_bounded() {
    let plans = Plans::default();
    for n in 0..3 * MAX_PLANS {
        plans.get(&format!("SELECT {n}"));
    }
    assert!(plans.0.read().unwrap().len() <= MAX_PLANS);
}
