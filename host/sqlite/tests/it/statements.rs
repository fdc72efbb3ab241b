//! Single statements: values, columns, counters, visibility, group commit.

use kobliat_sqlite::{Error, Value};

use crate::{Say, TestDatabase};

#[tokio::test]
async fn values_of_every_type_come_back_as_they_went() {
    let test = TestDatabase::start().await;
    let values = vec![
        Value::Integer(i64::MIN),
        Value::Real(1.5),
        Value::Text("é\u{1F600}".into()),
        Value::Blob(vec![0, 255]),
        Value::Blob(vec![]),
        Value::Null,
    ];
    let output = test.session().execute("SELECT ?1 AS a, ?2, ?3, ?4, ?5, ?6", values.clone()).await.unwrap();
    assert_eq!(output.rows, [values]);
    assert_eq!(output.columns, ["a", "?2", "?3", "?4", "?5", "?6"]);
}

#[tokio::test]
async fn text_that_is_not_utf8_is_an_error_not_a_panic() {
    let test = TestDatabase::start().await;
    assert!(test.session().error("SELECT CAST(x'ff' AS TEXT)").await.contains("UTF-8"));
}

#[tokio::test]
async fn a_write_is_seen_by_every_read_that_follows_its_reply() {
    let test = TestDatabase::start().await;
    for n in 1..=50 {
        test.session().ok("INSERT INTO t (n) VALUES (1)").await;
        assert_eq!(test.count().await, n);
    }
}

#[tokio::test]
async fn readers_see_a_schema_that_changed_after_they_were_opened() {
    let test = TestDatabase::start().await;
    let session = test.session();
    assert_eq!(session.execute("SELECT * FROM t", vec![]).await.unwrap().columns, ["id", "name", "n"]);
    session.ok("ALTER TABLE t ADD COLUMN extra TEXT DEFAULT 'x'").await;
    session.ok("INSERT INTO t (n) VALUES (1)").await;
    let output = session.execute("SELECT * FROM t", vec![]).await.unwrap();
    assert_eq!(output.columns, ["id", "name", "n", "extra"]);
    assert_eq!(output.rows[0].len(), 4);
}

#[tokio::test]
async fn counters_are_each_sessions_own() {
    let test = TestDatabase::start().await;
    let (a, b) = (test.session(), test.session());
    a.ok("INSERT INTO t (id) VALUES (10), (11)").await;
    b.ok("INSERT INTO t (id) VALUES (99)").await;
    assert_eq!((a.changes(), a.last_insert_rowid()), (2, 11));
    assert_eq!((b.changes(), b.last_insert_rowid()), (1, 99));
    a.ok("INSERT OR IGNORE INTO t (id) VALUES (10)").await;
    assert_eq!((a.changes(), a.last_insert_rowid()), (0, 11));
    a.ok("CREATE TABLE other (x)").await;
    assert_eq!(a.number("SELECT last_insert_rowid()").await, 11);
    a.ok("INSERT INTO other VALUES (last_insert_rowid())").await;
    assert_eq!(b.number("SELECT x FROM other").await, 11);
}

#[tokio::test]
async fn returning_gives_its_rows_after_the_commit() {
    let test = TestDatabase::start().await;
    let rows = test.session().ok("INSERT INTO t (name) VALUES ('a'), ('b') RETURNING name, id").await;
    assert_eq!(rows, [vec!["a".into(), 1.into()], vec!["b".into(), 2.into()]]);
}

#[tokio::test]
async fn parameters_must_match() {
    let test = TestDatabase::start().await;
    let error = test.session().execute("SELECT ?1, ?2", vec![1.into()]).await.unwrap_err();
    assert_eq!(error, Error::Statement("the statement has 2 parameters, but 1 were given".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_share_their_commits() {
    let test = TestDatabase::start().await;
    let before = test.database.statistics().commits;
    let writers = (0..64).map(|task| {
        let session = test.session();
        tokio::spawn(async move {
            for n in 0..25 {
                let name = Value::Text(format!("{task}-{n}"));
                session
                    .execute("INSERT INTO t (name, n) VALUES (?1, ?2)", vec![name, Value::Integer(n)])
                    .await
                    .unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(test.count().await, 64 * 25);
    let statistics = test.database.statistics();
    assert_eq!(statistics.jobs, 64 * 25 + 1);
    assert!(statistics.commits - before < 64 * 25, "{statistics:?}");
    assert!(statistics.largest_batch > 1, "{statistics:?}");
}

#[tokio::test]
async fn closing_keeps_what_was_acknowledged_and_leaves_one_file() {
    let test = TestDatabase::start().await;
    let session = test.session();
    session.ok("INSERT INTO t (n) VALUES (1)").await;
    test.database.close().await;
    assert_eq!(session.execute("SELECT 1", vec![]).await, Err(Error::Closed));
    assert_eq!(session.execute("DELETE FROM t", vec![]).await, Err(Error::Closed));
    let files = std::fs::read_dir(test.directory.path().join("deep")).unwrap().count();
    assert_eq!(files, 1, "the write-ahead log is gone");
    let again = kobliat_sqlite::Database::open(test.directory.path().join("deep/test.db"), Default::default()).unwrap();
    assert_eq!(again.session().number("SELECT count(*) FROM t").await, 1);
}
