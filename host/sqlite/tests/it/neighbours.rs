//! Those who share a commit do not feel one another.

use std::time::Duration;

use futures::future::join_all;
use kobliat_sqlite::{Error, Options, Session};

use crate::{Say, TestDatabase};

/// Sends all statements at once, so that they share a batch, and returns their results in order.
async fn together(sessions: &[Session], statements: &[&str]) -> Vec<Result<(), Error>> {
    let run = |(session, sql): (_, &&str)| {
        let sql = (*sql).to_owned();
        let session: &Session = session;
        async move { session.execute(&sql, vec![]).await.map(drop) }
    };
    join_all(sessions.iter().zip(statements).map(run)).await
}

fn sessions(test: &TestDatabase, count: usize) -> Vec<Session> {
    (0..count).map(|_| test.session()).collect()
}

#[tokio::test]
async fn a_failing_statement_neither_undoes_nor_is_undone() {
    let test = TestDatabase::start().await;
    test.session().ok("INSERT INTO t (name) VALUES ('taken')").await;
    let results = together(
        &sessions(&test, 5),
        &[
            "INSERT INTO t (name) VALUES ('a')",
            "INSERT INTO t (name) VALUES ('b'), ('taken')",
            "INSERT OR FAIL INTO t (name) VALUES ('c'), ('taken'), ('never')",
            "INSERT INTO no_such_table VALUES (1)",
            "INSERT INTO t (name) VALUES ('d')",
        ],
    )
    .await;
    let succeeded: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(succeeded, [true, false, false, false, true]);
    assert_eq!(results[1], Err(Error::Statement("UNIQUE constraint failed: t.name".into())));
    let names = test.session().ok("SELECT group_concat(name, '') FROM (SELECT name FROM t ORDER BY id)").await;
    // OR FAIL keeps what came before the failure, exactly as it does in a transaction of its own.
    assert_eq!(names, [["takenacd".into()]]);
}

#[tokio::test]
async fn a_violated_deferred_key_fails_its_own_statement_only() {
    let test = TestDatabase::start().await;
    test.session().ok("CREATE TABLE child (t INTEGER REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)").await;
    let results = together(
        &sessions(&test, 3),
        &["INSERT INTO t (id) VALUES (1)", "INSERT INTO child VALUES (77)", "INSERT INTO t (id) VALUES (2)"],
    )
    .await;
    assert_eq!(results[1], Err(Error::Statement("FOREIGN KEY constraint failed".into())));
    assert_eq!((&results[0], &results[2]), (&Ok(()), &Ok(())));
    assert_eq!(test.count().await, 2);
    assert_eq!(test.session().number("SELECT count(*) FROM child").await, 0);
}

/// SQLite rolls the whole transaction back when it stops a write in the middle.
const ENDLESS_WRITE: &str =
    "INSERT INTO t (n) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";

#[tokio::test]
async fn a_runaway_write_is_stopped_and_its_neighbours_succeed() {
    let test = TestDatabase::with(Options { write_time_limit: Duration::from_millis(50), ..Options::default() }).await;
    let results = together(
        &sessions(&test, 4),
        &[
            "INSERT INTO t (id) VALUES (1)",
            "INSERT INTO t (id) VALUES (2)",
            ENDLESS_WRITE,
            "INSERT INTO t (id) VALUES (3)",
        ],
    )
    .await;
    assert_eq!(results, [Ok(()), Ok(()), Err(Error::TimedOut(50)), Ok(())]);
    assert_eq!(test.count().await, 3);
}

#[tokio::test]
async fn a_runaway_in_a_transaction_ends_that_transaction_only() {
    let test = TestDatabase::with(Options { write_time_limit: Duration::from_millis(50), ..Options::default() }).await;
    let (runaway, neighbour) = (test.session(), test.session());
    runaway.ok("BEGIN").await;
    runaway.ok("INSERT INTO t (id) VALUES (1)").await;
    let (failed, kept) = tokio::join!(
        runaway.execute(ENDLESS_WRITE, vec![]),
        neighbour.execute("INSERT INTO t (id) VALUES (2)", vec![])
    );
    assert_eq!(failed, Err(Error::TimedOut(50)));
    assert!(kept.is_ok());
    assert!(
        runaway.error("INSERT INTO t (id) VALUES (3)").await.contains("rolled back"),
        "must not autocommit by surprise"
    );
    assert_eq!(test.session().number("SELECT sum(id) FROM t").await, 2);
}

#[tokio::test]
async fn a_full_database_refuses_the_large_and_takes_the_small() {
    let test = TestDatabase::with(Options { max_database_bytes: Some(256 << 10), ..Options::default() }).await;
    let large = "INSERT INTO t (name) VALUES (hex(zeroblob(400000)))";
    let results =
        together(&sessions(&test, 3), &["INSERT INTO t (id) VALUES (1)", large, "INSERT INTO t (id) VALUES (2)"]).await;
    assert_eq!(results, [Ok(()), Err(Error::Full), Ok(())]);
    assert_eq!(test.count().await, 2);
    assert!(!test.database.statistics().failing);
}
