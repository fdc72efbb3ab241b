//! The write-ahead log does not grow for ever, whoever reads.

use std::time::{Duration, Instant};

use kobliat_sqlite::{Options, Value};

use crate::TestDatabase;

const QUICK: Duration = Duration::from_millis(1);

impl TestDatabase {
    fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.directory.path().join("deep/test.db-wal")).map_or(0, |log| log.len())
    }

    async fn write_mebibyte(&self) {
        let session = self.session();
        for _ in 0..16 {
            let row = vec![Value::Blob(vec![1; 64 << 10])];
            session.execute("INSERT INTO t (name) VALUES (?1)", row).await.unwrap();
            session.execute("DELETE FROM t", vec![]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_beyond_its_bound_is_emptied() {
    let options =
        Options { checkpoint_bytes: 256 << 10, truncate_bytes: 1 << 20, checkpoint_idle: QUICK, ..Options::default() };
    let test = TestDatabase::with(options).await;
    for _ in 0..20 {
        test.write_mebibyte().await;
    }
    assert!(test.log_bytes() < 8 << 20, "{} bytes after 20 MiB", test.log_bytes());
    assert!(test.database.statistics().checkpoints > 1);
}

#[tokio::test]
async fn an_idle_database_copies_its_log() {
    let test = TestDatabase::with(Options { checkpoint_idle: QUICK, ..Options::default() }).await;
    test.write_mebibyte().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while test.database.statistics().checkpoints == 0 {
        assert!(Instant::now() < deadline, "no checkpoint came");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_read_does_not_hold_the_writes_back() {
    let options = Options { checkpoint_bytes: 64 << 10, truncate_bytes: 256 << 10, ..Options::default() };
    let test = TestDatabase::with(options).await;
    test.write_mebibyte().await;
    let reader = test.session();
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c, t";
    let reading = tokio::spawn(async move { reader.execute(endless, vec![]).await });
    for _ in 0..4 {
        test.write_mebibyte().await;
    }
    assert!(!reading.is_finished(), "the read's 30 s limit came before the writes' end");
    reading.abort();
}
