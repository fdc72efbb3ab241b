//! What a guest sees of `spin:sqlite`.

use crate::probe::Host;

#[tokio::test]
async fn statements_and_rows_go_both_ways_asynchronously_and_synchronously() {
    let host = Host::start();
    let mut probe = host.instance().await;
    let create = probe.run("mine", &["CREATE TABLE t (id INTEGER PRIMARY KEY, x)"]).await;
    assert_eq!(create, [""]);
    let statements = [
        "INSERT INTO t (x) VALUES (1.5), ('é'), (x'00ff'), (NULL)",
        "SELECT id, x FROM t ORDER BY id",
        "SELECT count(*) FROM t",
        "SELEKT",
    ];
    let answers = probe.run("mine", &statements).await;
    assert_eq!(answers[..3], ["", "1,1.5;2,é;3,[0, 255];4,null", "4"]);
    assert!(answers[3].contains("Io(") && answers[3].contains("syntax error"), "{}", answers[3]);
    let answers = probe.run_sync("mine", &["DELETE FROM t WHERE id > 1", "SELECT id, x FROM t", "SELEKT"]).await;
    assert_eq!(answers[..2], ["", "1,1.5"]);
    assert!(answers[2].contains("syntax error"));
}

#[tokio::test]
async fn labels_of_others_are_denied() {
    let host = Host::start();
    let mut probe = host.instance().await;
    assert_eq!(probe.run("other", &["SELECT 1"]).await, ["error: Error::AccessDenied"]);
    assert_eq!(probe.run_sync("other", &["SELECT 1"]).await, ["error: Error::AccessDenied"]);
    assert_eq!(probe.run("nowhere", &["SELECT 1"]).await, ["error: Error::NoSuchDatabase"]);
}

#[tokio::test]
async fn a_transaction_left_open_is_rolled_back_with_its_connection() {
    let host = Host::start();
    let mut probe = host.instance().await;
    probe.run("mine", &["CREATE TABLE t (x)"]).await;
    probe.run("mine", &["BEGIN", "INSERT INTO t VALUES (1)"]).await;
    assert_eq!(probe.run("mine", &["INSERT INTO t VALUES (2)", "SELECT sum(x) FROM t"]).await, ["", "2"]);
}

#[tokio::test]
async fn a_trapped_or_dropped_instance_frees_the_writer() {
    let host = Host::start();
    let mut gone = host.instance().await;
    gone.run("mine", &["CREATE TABLE t (x)"]).await;
    // The call is abandoned inside a transaction, as when the request's deadline passes.
    let endless = ["BEGIN", "INSERT INTO t VALUES (1)", ENDLESS_READ];
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), gone.run("mine", &endless)).await;
    assert!(waited.is_err());
    drop(gone);
    let mut next = host.instance().await;
    assert_eq!(next.run("mine", &["INSERT INTO t VALUES (2)", "SELECT sum(x) FROM t"]).await, ["", "2"]);
}

const ENDLESS_READ: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

#[tokio::test]
async fn transactions_of_one_instance_take_turns() {
    let host = Host::start();
    let mut probe = host.instance().await;
    probe.run("mine", &["CREATE TABLE t (x)", "INSERT INTO t VALUES (0)"]).await;
    let add = ["BEGIN", "UPDATE t SET x = x + 1", "SELECT x FROM t", "COMMIT"];
    let (a, b) = probe.run_both(&add, &add).await;
    let mut seen = [a[2].clone(), b[2].clone()];
    seen.sort();
    assert_eq!(seen, ["1", "2"]);
}

#[tokio::test]
async fn an_instance_holds_256_connections_at_most() {
    let host = Host::start();
    let mut probe = host.instance().await;
    assert_eq!(probe.hoard().await, 256);
    assert_eq!(probe.hoard().await, 256, "the first ones were dropped");
}

#[tokio::test]
async fn a_thousand_statements_leave_nothing_behind() {
    let host = Host::start();
    let mut probe = host.instance().await;
    probe.run("mine", &["CREATE TABLE t (x)", "INSERT INTO t VALUES (1), (2), (3)"]).await;
    assert_eq!(probe.repeat("SELECT x FROM t", 1000).await, 3000);
    assert!(probe.store.data().table.is_empty());
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let host = Host::start();
    host.instance().await.run("mine", &["CREATE TABLE t (x)", "INSERT INTO t VALUES (7)"]).await;
    let host = host.restart().await;
    assert_eq!(host.instance().await.run("mine", &["SELECT x FROM t"]).await, ["7"]);
}

/// Not a bound, a figure: run with `--ignored --nocapture`.
#[tokio::test]
#[ignore = "prints how long a statement takes from a guest"]
async fn measure() {
    let host = Host::start();
    let mut probe = host.instance().await;
    let rows =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100) INSERT INTO t SELECT x FROM c";
    probe.run("mine", &["CREATE TABLE t (x INTEGER PRIMARY KEY)", rows]).await;
    for limit in [0, 1, 10, 100] {
        let start = std::time::Instant::now();
        probe.repeat(&format!("SELECT x FROM t LIMIT {limit}"), 20_000).await;
        println!("{limit} rows: {:?}", start.elapsed() / 20_000);
    }
}
