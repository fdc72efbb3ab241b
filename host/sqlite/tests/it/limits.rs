//! Hostile or careless callers meet a bound.

use std::time::Duration;

use futures::future::join_all;
use kobliat_sqlite::{Error, Options, Value};

use crate::{Say, TestDatabase};

const COUNT_TO: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ?1) SELECT count(*) FROM c";

#[tokio::test]
async fn a_long_read_moves_to_its_own_thread_and_ends() {
    let test = TestDatabase::start().await;
    let output = test.session().execute(COUNT_TO, vec![Value::Integer(300_000)]).await.unwrap();
    assert_eq!(output.rows, [[Value::Integer(300_000)]]);
    let statistics = test.database.statistics();
    assert_eq!((statistics.inline_reads, statistics.long_reads), (0, 1));
}

#[tokio::test]
async fn an_endless_read_is_stopped_and_blocks_nobody() {
    let test = TestDatabase::with(Options { read_time_limit: Duration::from_millis(50), ..Options::default() }).await;
    let (endless, other) = (test.session(), test.session());
    let (stopped, ()) = tokio::join!(endless.execute(COUNT_TO, vec![Value::Integer(i64::MAX)]), async {
        assert_eq!(other.number("SELECT 1").await, 1);
    });
    assert_eq!(stopped, Err(Error::TimedOut(50)));
}

#[tokio::test]
async fn a_read_whose_caller_gave_up_stops() {
    let test = TestDatabase::with(Options { long_reads: 1, ..Options::default() }).await;
    let session = test.session();
    let endless = session.execute(COUNT_TO, vec![Value::Integer(i64::MAX)]);
    assert!(tokio::time::timeout(Duration::from_millis(20), endless).await.is_err());
    // There is one place for long reads: this one gets it only because the other has stopped.
    session.execute(COUNT_TO, vec![Value::Integer(300_000)]).await.unwrap();
}

#[tokio::test]
async fn results_parameters_and_texts_are_bounded() {
    let options = Options {
        max_result_bytes: 10_000,
        max_parameter_bytes: 10_000,
        max_statement_bytes: 200,
        max_parameters: 3,
        ..Options::default()
    };
    let test = TestDatabase::with(options).await;
    let session = test.session();
    let rows = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000) SELECT x FROM c";
    for (sql, params) in [
        (rows.to_owned(), vec![]),
        ("SELECT ?1".to_owned(), vec![Value::Blob(vec![0; 20_000])]),
        ("SELECT zeroblob(20000)".to_owned(), vec![]),
        (format!("SELECT '{}'", "x".repeat(300)), vec![]),
        ("SELECT ?1, ?2, ?3, ?4".to_owned(), vec![Value::Null; 4]),
        (format!("INSERT INTO t (n) {rows} RETURNING n"), vec![]),
    ] {
        let error = session.execute(&sql, params).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge(_)), "{sql}: {error:?}");
    }
    assert_eq!(test.count().await, 5000, "RETURNING comes after the insert: only its rows were too many");
}

#[tokio::test]
async fn too_many_waiting_statements_are_refused() {
    let test = TestDatabase::with(Options { max_queued_jobs: 4, ..Options::default() }).await;
    let holder = test.session();
    holder.ok("BEGIN").await;
    holder.ok("INSERT INTO t (n) VALUES (0)").await;
    let sessions: Vec<_> = (0..6).map(|_| test.session()).collect();
    let waiting = join_all(sessions.iter().map(|session| session.execute("INSERT INTO t (n) VALUES (1)", vec![])));
    let (results, _) = tokio::join!(waiting, holder.ok("COMMIT"));
    let refused = results.iter().filter(|result| matches!(result, Err(Error::Busy(_)))).count();
    assert_eq!(refused, 2);
    assert_eq!(test.count().await, 5);
    assert_eq!(test.database.statistics().refused_busy, 2);
}
