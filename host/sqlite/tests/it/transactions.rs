//! A session's transaction: isolation, turns, savepoints, and what ends it.

use std::time::Duration;

use kobliat_sqlite::{Error, Options, Value};

use crate::{Say, TestDatabase};

#[tokio::test]
async fn commit_keeps_and_rollback_undoes() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("BEGIN IMMEDIATE").await;
    session.ok("INSERT INTO t (id) VALUES (1)").await;
    assert_eq!(session.number("SELECT count(*) FROM t").await, 1, "sees its own writes");
    assert_eq!(test.count().await, 0, "which others do not see");
    session.ok("END").await;
    assert_eq!(test.count().await, 1);
    session.ok("BEGIN").await;
    session.ok("DELETE FROM t").await;
    session.ok("ROLLBACK").await;
    assert_eq!(test.count().await, 1);
}

#[tokio::test]
async fn savepoints_nest_as_in_sqlite() {
    let test = TestDatabase::start().await;
    let session = test.session();
    for sql in [
        "BEGIN",
        "INSERT INTO t (id) VALUES (1)",
        "SAVEPOINT a",
        "INSERT INTO t (id) VALUES (2)",
        "SAVEPOINT A",
        "INSERT INTO t (id) VALUES (3)",
        "ROLLBACK TO a",
        "RELEASE SAVEPOINT a",
        "SAVEPOINT turn",
        "INSERT INTO t (id) VALUES (4)",
        "RELEASE turn",
        "COMMIT",
    ] {
        session.ok(sql).await;
    }
    let ids = session.ok("SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)").await;
    assert_eq!(ids, [["1,2,4".into()]]);
    assert_eq!(session.error("RELEASE a").await, "no such savepoint: a");
}

#[tokio::test]
async fn a_savepoint_outside_a_transaction_is_one() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("SAVEPOINT outer").await;
    session.ok("INSERT INTO t (id) VALUES (1)").await;
    assert_eq!(test.count().await, 0);
    session.ok("RELEASE outer").await;
    assert_eq!(test.count().await, 1);
}

#[tokio::test]
async fn control_out_of_place_is_an_error_as_in_sqlite() {
    let test = TestDatabase::start().await;
    let session = test.session();
    assert!(session.error("COMMIT").await.contains("no transaction is active"));
    assert!(session.error("ROLLBACK").await.contains("no transaction is active"));
    session.ok("BEGIN").await;
    assert!(session.error("BEGIN").await.contains("within a transaction"));
    session.ok("COMMIT").await;
}

#[tokio::test]
async fn a_failed_statement_leaves_the_transaction_open() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("BEGIN").await;
    session.ok("INSERT INTO t (id) VALUES (1)").await;
    session.error("INSERT INTO t (id) VALUES (1)").await;
    session.ok("INSERT INTO t (id) VALUES (2)").await;
    session.ok("COMMIT").await;
    assert_eq!(test.count().await, 2);
}

#[tokio::test]
async fn a_commit_that_violates_a_deferred_key_leaves_the_transaction_open() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("CREATE TABLE child (t INTEGER REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)").await;
    session.ok("BEGIN").await;
    session.ok("INSERT INTO child VALUES (5)").await;
    assert_eq!(session.error("COMMIT").await, "FOREIGN KEY constraint failed");
    session.ok("INSERT INTO t (id) VALUES (5)").await;
    session.ok("COMMIT").await;
    assert_eq!(test.session().number("SELECT count(*) FROM child").await, 1);
}

#[tokio::test]
async fn an_idle_transaction_is_rolled_back_and_says_so() {
    let test = TestDatabase::with(Options { lease_idle: Duration::from_millis(20), ..Options::default() }).await;
    let (idle, neighbour) = (test.session(), test.session());
    idle.ok("BEGIN").await;
    idle.ok("INSERT INTO t (id) VALUES (1)").await;
    neighbour.ok("INSERT INTO t (id) VALUES (2)").await; // waits until the idle one is thrown out
    let error = idle.execute("INSERT INTO t (id) VALUES (3)", vec![]).await.unwrap_err();
    assert!(matches!(&error, Error::TransactionEnded(why) if why.contains("idled")), "{error:?}");
    idle.ok("INSERT INTO t (id) VALUES (4)").await;
    assert_eq!(test.session().number("SELECT sum(id) FROM t").await, 6);
    assert_eq!(test.database.statistics().lease_timeouts, 1);
}

#[tokio::test]
async fn rollback_of_a_transaction_that_was_thrown_out_succeeds() {
    let test = TestDatabase::with(Options { lease_idle: Duration::from_millis(20), ..Options::default() }).await;
    let (idle, neighbour) = (test.session(), test.session());
    idle.ok("BEGIN").await;
    idle.ok("INSERT INTO t (id) VALUES (1)").await;
    neighbour.ok("INSERT INTO t (id) VALUES (2)").await;
    idle.ok("ROLLBACK").await;
    assert_eq!(test.count().await, 1);
}

#[tokio::test]
async fn a_busy_transaction_ends_at_the_limit() {
    let test = TestDatabase::with(Options { lease_max: Duration::from_millis(40), ..Options::default() }).await;
    let session = test.session();
    session.ok("BEGIN").await;
    let error = loop {
        if let Err(error) = session.execute("INSERT INTO t (n) VALUES (1)", vec![]).await {
            break error;
        }
    };
    assert!(matches!(&error, Error::TransactionEnded(_) | Error::TimedOut(_)), "{error:?}");
    assert_eq!(test.count().await, 0);
}

#[tokio::test]
async fn a_dropped_session_is_rolled_back_at_once() {
    let test = TestDatabase::with(Options {
        lease_idle: Duration::from_secs(3600),
        lease_max: Duration::from_secs(3600),
        ..Options::default()
    })
    .await;
    let gone = test.session();
    gone.ok("BEGIN").await;
    gone.ok("INSERT INTO t (id) VALUES (1)").await;
    drop(gone);
    test.session().ok("INSERT INTO t (id) VALUES (2)").await;
    assert_eq!(test.session().number("SELECT sum(id) FROM t").await, 2);
}

#[tokio::test]
async fn a_dropped_sessions_running_statement_stops() {
    let hours = Duration::from_secs(3600);
    let test = TestDatabase::with(Options { lease_max: hours, write_time_limit: hours, ..Options::default() }).await;
    let gone = test.session();
    gone.ok("BEGIN").await;
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    assert!(tokio::time::timeout(Duration::from_millis(20), gone.execute(endless, vec![])).await.is_err());
    drop(gone);
    test.session().ok("INSERT INTO t (id) VALUES (1)").await;
}

#[tokio::test]
async fn a_cancelled_statement_does_not_block_its_session() {
    let test = TestDatabase::start().await;
    let (first, second) = (test.session(), test.session());
    first.ok("BEGIN").await;
    first.ok("INSERT INTO t (id) VALUES (1)").await;
    second.ok("BEGIN").await;
    // The second waits for the first's turn to end; its caller gives up, then tries again.
    let waiting = second.execute("INSERT INTO t (id) VALUES (2)", vec![]);
    assert!(tokio::time::timeout(Duration::from_millis(10), waiting).await.is_err());
    first.ok("COMMIT").await;
    second.ok("INSERT INTO t (id) VALUES (3)").await;
    second.ok("COMMIT").await;
    assert_eq!(test.session().number("SELECT sum(id) FROM t").await, 4);
}

#[tokio::test]
async fn closing_rolls_an_open_transaction_back() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("BEGIN").await;
    session.ok("INSERT INTO t (id) VALUES (1)").await;
    test.database.close().await;
    session.error("COMMIT").await;
    let again = kobliat_sqlite::Database::open(test.directory.path().join("deep/test.db"), Options::default()).unwrap();
    assert_eq!(again.session().number("SELECT count(*) FROM t").await, 0);
}

/// Transactions, single writes and roll-backs that mix at random: the sum is what a serial order would give.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transactions_serialise() {
    const TASKS: i64 = 64;
    const ROUNDS: i64 = 20;
    let test = TestDatabase::start().await;
    test.session().ok("INSERT INTO t (id, n) VALUES (1, 0), (2, 0)").await;
    let tasks = (0..TASKS).map(|task| {
        let session = test.session();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                match (task + round) % 4 {
                    0 => drop(session.ok("UPDATE t SET n = n + 1 WHERE id = 1").await),
                    1 => {
                        session.ok("BEGIN").await;
                        session.ok("UPDATE t SET n = -1000").await;
                        session.ok("ROLLBACK").await;
                    }
                    // Reads, lets others run, writes what it read: only serial transactions lose no update.
                    kind => {
                        session.ok("BEGIN").await;
                        let n = session.number("SELECT n FROM t WHERE id = 1").await;
                        tokio::task::yield_now().await;
                        session.execute("UPDATE t SET n = ?1 WHERE id = 1", vec![Value::Integer(n + 1)]).await.unwrap();
                        session.ok("SAVEPOINT inner").await;
                        session.ok("UPDATE t SET n = n + 1 WHERE id = 2").await;
                        session.ok(if kind == 2 { "RELEASE inner" } else { "ROLLBACK TO inner" }).await;
                        session.ok("COMMIT").await;
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let session = test.session();
    assert_eq!(session.number("SELECT n FROM t WHERE id = 1").await, TASKS * ROUNDS * 3 / 4);
    assert_eq!(session.number("SELECT n FROM t WHERE id = 2").await, TASKS * ROUNDS / 4);
    let statistics = test.database.statistics();
    assert!(statistics.commits < statistics.jobs, "transactions share commits: {statistics:?}");
}
