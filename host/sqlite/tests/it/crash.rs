//! What was acknowledged survives: the process is killed while it writes, or its disk refuses.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kobliat_sqlite::{Database, Error, Options, Value};

use crate::Say;

const CHILD_PATH: &str = "KOBLIAT_SQLITE_CHILD_PATH";

/// Runs one of the `child_…` tests below in a process of its own, after `prefix` in a shell.
fn child(name: &str, path: &Path, prefix: &str) -> Child {
    let test_binary = std::env::current_exe().unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!("{prefix} exec \"$0\" \"$@\""))
        .arg(test_binary)
        .args(["--exact", name, "--ignored", "--nocapture", "--quiet"])
        .env(CHILD_PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The lines that the child wrote with [`say`].
fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("child: ").map(str::to_owned))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "child: {line}").unwrap();
    out.flush().unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("killed.db");
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut writer = child("crash::child_that_writes_until_killed", &path, "");
        let mut lines = lines(&mut writer);
        acknowledged.extend(lines.by_ref().take(40 + round * 13));
        writer.kill().unwrap();
        acknowledged.extend(lines); // what it said before it died counts, too
        writer.wait().unwrap();
        check(&path, &acknowledged).await;
    }
}

async fn check(path: &Path, acknowledged: &[String]) {
    let database = Database::open(path, Options::default()).unwrap();
    let session = database.session();
    assert_eq!(session.ok("PRAGMA integrity_check").await, [["ok".into()]]);
    for name in acknowledged {
        let found = session.execute("SELECT n FROM t WHERE name = ?1", vec![Value::Text(name.clone())]).await.unwrap();
        assert_eq!(found.rows.len(), 1, "{name}");
    }
    let halves =
        "SELECT count(*) FROM t AS a WHERE a.n = 1 AND NOT EXISTS (SELECT 1 FROM t AS b WHERE b.name = a.name || '+')";
    assert_eq!(session.number(halves).await, 0, "a transaction is there wholly or not at all");
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a process of its own, started by what_was_acknowledged_survives_kill"]
async fn child_that_writes_until_killed() {
    let database = Database::open(std::env::var(CHILD_PATH).unwrap(), Options::default()).unwrap();
    database.session().ok("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER)").await;
    let process = std::process::id();
    let tasks = (0..16).map(|task| {
        let session = database.session();
        tokio::spawn(async move {
            for n in 0.. {
                let name = format!("{process}-{task}-{n}");
                if task % 2 == 0 {
                    let row = vec![Value::Text(name.clone()), Value::Integer(0)];
                    session.execute("INSERT INTO t (name, n) VALUES (?1, ?2)", row).await.unwrap();
                } else {
                    session.ok("BEGIN").await;
                    session.ok(&format!("INSERT INTO t (name, n) VALUES ('{name}', 1)")).await;
                    session.ok(&format!("INSERT INTO t (name, n) VALUES ('{name}+', 2)")).await;
                    session.ok("COMMIT").await;
                }
                say(&name);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// A disk that takes no more is played by the shell's limit on file sizes: the write fails in the middle of a commit.
#[tokio::test]
async fn a_commit_that_the_disk_refuses_is_no_success_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("refused.db");
    let mut writer = child("crash::child_whose_disk_refuses", &path, "trap '' XFSZ; ulimit -f 1024;");
    let said: Vec<String> = lines(&mut writer).collect();
    assert!(writer.wait().unwrap().success(), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("reads go on"), "{said:?}");
    let acknowledged: Vec<String> = said[..said.len() - 1].to_vec();
    assert!(acknowledged.len() > 2);
    check(&path, &acknowledged).await;
}

#[tokio::test]
#[ignore = "runs in a process of its own, started by a_commit_that_the_disk_refuses_is_no_success_and_the_rest_goes_on"]
async fn child_whose_disk_refuses() {
    let database = Database::open(std::env::var(CHILD_PATH).unwrap(), Options::default()).unwrap();
    let session = database.session();
    session.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n BLOB)").await;
    let mut acknowledged = 0;
    let error = loop {
        let name = format!("row-{acknowledged}");
        let row = vec![Value::Text(name.clone()), Value::Blob(vec![7; 50_000])];
        match session.execute("INSERT INTO t (name, n) VALUES (?1, ?2)", row).await {
            Ok(_) => say(&name),
            Err(error) => break error,
        }
        acknowledged += 1;
    };
    assert!(matches!(error, Error::Io(_) | Error::Full), "{error:?}");
    assert_eq!(session.number("SELECT count(*) FROM t").await, acknowledged);
    say("reads go on");
}
