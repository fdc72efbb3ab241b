//! A statement has its memory and its temporary files; one that wants more is stopped, and its neighbours go on.

use kobliat_sqlite::{Error, Options, Session, SessionLimits, Value};

use crate::{Say, TestDatabase};

/// Far less than the bombs below want, far more than any other statement here.
const SMALL: SessionLimits = SessionLimits { memory_bytes: 4 << 20, result_bytes: 1 << 20 };

/// Each wants hundreds of MiB.
fn bombs() -> [(&'static str, String); 3] {
    let blobs = vec!["randomblob(30000000)"; 40].join(", ");
    [
        ("values side by side", format!("SELECT {blobs}")),
        ("one value of many rows", format!("{MANY} SELECT length(group_concat(hex(randomblob(4000)))) FROM c")),
        (
            "one value that a function makes",
            "SELECT length(replace(hex(zeroblob(2000000)), '0', hex(zeroblob(20))))".to_owned(),
        ),
    ]
}

const MANY: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000)";

fn small(test: &TestDatabase) -> Session {
    test.session().within(SMALL)
}

/// What the whole process has had at most, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

#[tokio::test]
async fn a_statement_that_wants_too_much_memory_is_told_so() {
    let test = TestDatabase::start().await;
    let session = small(&test);
    let before = peak();
    for (what, sql) in bombs() {
        match session.execute(&sql, vec![]).await {
            Err(Error::TooLarge(why)) => assert!(why.contains("more than 4194304 bytes of memory"), "{what}: {why}"),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(session.number("SELECT 1").await, 1, "after {what}");
    }
    assert!(peak() - before < 200 << 20, "{} MiB", (peak() - before) >> 20);
}

#[tokio::test]
async fn a_write_that_wants_too_much_memory_leaves_its_neighbours() {
    let test = TestDatabase::start().await;
    let (session, neighbour) = (small(&test), test.session());
    let bomb = format!("INSERT INTO t (n) {MANY} SELECT length(group_concat(hex(randomblob(4000)))) FROM c");
    let written = (0..50).map(|n| neighbour.execute("INSERT INTO t (n) VALUES (?1)", vec![Value::Integer(n)]));
    let (stopped, written) = tokio::join!(session.execute(&bomb, vec![]), futures::future::join_all(written));
    assert!(matches!(stopped, Err(Error::TooLarge(_))), "{stopped:?}");
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(test.count().await, 50);
}

#[tokio::test]
async fn a_large_sort_is_bounded() {
    let test = TestDatabase::start().await;
    let sorted = |rows: u32| {
        format!(
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows})
            SELECT length(b) FROM (SELECT x, randomblob(500) AS b FROM c ORDER BY x * 7919 % 1000003 LIMIT -1 OFFSET {})",
            rows - 1
        )
    };
    let session = small(&test);
    session.execute(&sorted(5_000), vec![]).await.expect("2.5 MB are sorted with 4 MiB of memory");
    match session.execute(&sorted(800_000), vec![]).await {
        Err(Error::TooLarge(why)) => assert!(why.contains("bytes of memory"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(session.number("SELECT 1").await, 1);
}

#[tokio::test]
async fn a_session_may_have_less_than_its_database() {
    let test = TestDatabase::start().await;
    let large = "SELECT zeroblob(2000000)";
    assert!(matches!(small(&test).execute(large, vec![]).await, Err(Error::TooLarge(why)) if why.contains("1048576")));
    assert_eq!(test.session().ok(large).await.len(), 1);
    let more = SessionLimits { memory_bytes: usize::MAX, result_bytes: usize::MAX };
    let rows =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 80) SELECT zeroblob(1000000) FROM c";
    let refused = test.session().within(more).execute(rows, vec![]).await;
    assert!(matches!(refused, Err(Error::TooLarge(_))), "never more than the database allows");
}

#[tokio::test]
async fn what_waits_for_the_writer_is_bounded_in_bytes() {
    let options = Options { max_queued_bytes: 1 << 20, ..Options::default() };
    let test = TestDatabase::with(options).await;
    let holder = test.session();
    holder.ok("BEGIN IMMEDIATE").await;
    holder.ok("INSERT INTO t (n) VALUES (0)").await;
    let session = test.session();
    let write = || session.execute("INSERT INTO t (name) VALUES (?1)", vec![Value::Blob(vec![0; 700_000])]);
    let (mut first, second) = (Box::pin(write()), write());
    assert!(futures::poll!(&mut first).is_pending());
    let refused = second.await;
    assert!(matches!(&refused, Err(Error::Busy(why)) if why.contains("1048576 bytes")), "{refused:?}");
    holder.ok("COMMIT").await;
    first.await.unwrap();
}

#[tokio::test]
async fn compiled_statements_of_any_size_are_not_kept() {
    let test = TestDatabase::start().await;
    let session = test.session();
    let terms = vec!["abs(random())"; 900].join(" + ");
    let columns = [terms.as_str(); 8].join(", ");
    session.ok(&format!("SELECT {columns}")).await;
    let before = peak();
    for n in 0..300 {
        session.ok(&format!("SELECT {n}, {columns}")).await;
    }
    // Some 800 KiB each.
    assert!(peak() - before < 60 << 20, "{} MiB", (peak() - before) >> 20);
}
