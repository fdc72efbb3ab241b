//! The power fails at any point, on a disk that drops, tears and reorders what was not synced: what was acknowledged is
//! there. The same where syncs fail, and where the disk fails once.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kobliat_sqlite::{Database, Error, Options, Value};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use tempfile::TempDir;

use crate::Say;
use crate::disk::{Behaviour, Disk};

/// Crashes of one run. Each opens what it left, and looks at every row.
const CRASHES: usize = 60;
const WRITERS: u64 = 6;
const WRITES: u64 = 12;

/// In memory where there is such a place: nobody's power fails here.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Small bounds, so that the log is copied and emptied many times.
fn options(disk: &Disk) -> Options {
    Options {
        vfs: Some(disk.vfs.clone()),
        checkpoint_bytes: 64 << 10,
        truncate_bytes: 256 << 10,
        checkpoint_idle: Duration::from_millis(1),
        company_wait: Duration::from_micros(200),
        ..Options::default()
    }
}

/// From some bytes to several pages, so that rows overflow and writes are torn.
fn content(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut content = vec![0; (random.next_u32() % 12_000) as usize];
    random.fill_bytes(&mut content);
    content
}

/// What was acknowledged, and how much the disk had done by then.
type Acknowledged = Arc<Mutex<Vec<(String, usize)>>>;

struct Run {
    /// With the files that the disk is made of.
    _folder: TempDir,
    disk: Arc<Disk>,
    acknowledged: Acknowledged,
    failures: Vec<Error>,
}

const INSERT: &str = "INSERT INTO t (name, content) VALUES (?1, ?2)";

fn row(name: &str) -> Vec<Value> {
    vec![Value::Text(name.to_owned()), Value::Blob(content(name))]
}

/// One row; or two that belong together.
async fn write(database: &Arc<Database>, name: &str, pair: bool) -> Result<(), Error> {
    let session = database.session();
    if !pair {
        return session.execute(INSERT, row(name)).await.map(drop);
    }
    session.execute("BEGIN", vec![]).await?;
    session.execute(INSERT, row(name)).await?;
    session.execute(INSERT, row(&format!("{name}+"))).await?;
    session.execute("COMMIT", vec![]).await.map(drop)
}

impl Run {
    fn path(folder: &TempDir) -> PathBuf {
        folder.path().join("test.db")
    }

    /// Some writers at once, on what is in the folder.
    async fn on(folder: TempDir, behaviour: Behaviour, seed: u64) -> Self {
        let disk = Disk::on(folder.path(), Behaviour::default(), seed);
        let database = Database::open(Self::path(&folder), options(&disk)).unwrap();
        let table = "CREATE TABLE IF NOT EXISTS t (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID";
        database.session().ok(table).await;
        disk.behave(behaviour);
        let acknowledged = Acknowledged::default();
        let writers = (0..WRITERS).map(|writer| {
            let (database, disk, acknowledged) = (database.clone(), disk.clone(), acknowledged.clone());
            tokio::spawn(async move {
                let mut failures = Vec::new();
                for number in 0..WRITES {
                    let (name, pair) = (format!("{seed}-{writer}-{number}"), number % 3 == 0);
                    match write(&database, &name, pair).await {
                        Ok(()) => {
                            let position = disk.position();
                            let names = [name.clone(), format!("{name}+")].into_iter().take(1 + usize::from(pair));
                            acknowledged.lock().unwrap().extend(names.map(|name| (name, position)));
                        }
                        Err(error) => failures.push(error),
                    }
                }
                failures
            })
        });
        let mut failures = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            failures.extend(writer.await.unwrap());
        }
        database.close().await;
        Self { _folder: folder, disk, acknowledged, failures }
    }

    /// Crashes here and there; the error says which row was lost where. Returns what one of the crashes left.
    async fn survives(&self, before: &[String], seed: u64) -> Result<(TempDir, Vec<String>), String> {
        let (mut random, last) = (ChaCha8Rng::seed_from_u64(seed), self.disk.position());
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        let mut left = Err("no crash".to_owned());
        for number in 0..CRASHES {
            let position = if number == 0 { last } else { random.next_u32() as usize % (last + 1) };
            let expected = acknowledged.iter().filter(|(_, known)| *known <= position).map(|(name, _)| name);
            let expected: Vec<String> = before.iter().chain(expected).cloned().collect();
            let folder = folder();
            self.disk.crash(position, random.next_u64(), folder.path());
            check(&folder, &expected)
                .await
                .map_err(|why| format!("crash at {position} of {last} (seed {seed}): {why}"))?;
            left = Ok((folder, expected));
        }
        left
    }
}

async fn check(folder: &TempDir, expected: &[String]) -> Result<(), String> {
    let database = Database::open(Run::path(folder), Options::default()).map_err(|error| error.to_string())?;
    let session = database.session();
    let integrity = session.execute("PRAGMA integrity_check", vec![]).await.map_err(|error| error.to_string())?.rows;
    if integrity != [["ok".into()]] {
        return Err(format!("damaged: {integrity:?}"));
    }
    for name in expected {
        let select = "SELECT content FROM t WHERE name = ?1";
        let found =
            session.execute(select, vec![Value::Text(name.clone())]).await.map_err(|error| error.to_string())?;
        if found.rows != [[Value::Blob(content(name))]] {
            return Err(format!("the acknowledged row `{name}` is not there"));
        }
    }
    if !expected.is_empty() {
        let alone = "SELECT count(*) FROM t AS a WHERE name LIKE '%+' AND NOT EXISTS \
                     (SELECT 1 FROM t AS b WHERE b.name || '+' = a.name)";
        assert_eq!(session.number(alone).await, 0, "a transaction is there wholly or not at all");
    }
    database.close().await;
    // The next run finds the closed file alone.
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_loss_at_any_point() {
    for seed in 0..4 {
        let run = Run::on(folder(), Behaviour::default(), seed).await;
        assert!(run.failures.is_empty(), "{:?}", run.failures);
        let (left, survivors) = run.survives(&[], seed).await.unwrap();
        // And the next power loss, on what the first one left.
        let again = Run::on(left, Behaviour::default(), seed + 1000).await;
        again.survives(&survivors, seed).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_acknowledges_nothing_and_costs_nothing_that_was() {
    for seed in 0..4 {
        let run = Run::on(folder(), Behaviour { failing_syncs: 15, lies: false }, seed).await;
        assert!(run.disk.failed_syncs.load(Relaxed) > 0, "nothing was tried");
        let told = |error: &Error| {
            matches!(error, Error::Io(_) | Error::Busy(_) | Error::Open { .. } | Error::TransactionEnded(_))
        };
        assert!(run.failures.iter().all(told), "{:?}", run.failures);
        run.survives(&[], seed).await.unwrap();
    }
}

/// The harness has teeth: a disk that lies about its syncs loses rows, and that is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_lies_is_found_out() {
    let run = Run::on(folder(), Behaviour { failing_syncs: 0, lies: true }, 1).await;
    assert!(run.survives(&[], 1).await.is_err());
}

/// The kernel reports a failed write-back once, and drops the pages. What is written next must not build on them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_sync_the_next_write_is_durable_and_the_failed_one_is_no_success() {
    for seed in 0..20 {
        let folder = folder();
        let disk = Disk::on(folder.path(), Behaviour::default(), seed);
        let database = Database::open(Run::path(&folder), options(&disk)).unwrap();
        database.session().ok("CREATE TABLE t (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID").await;
        write(&database, "before", false).await.unwrap();
        disk.behave(Behaviour { failing_syncs: 100, lies: false });
        let error = write(&database, "failed", false).await.unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        disk.behave(Behaviour::default());
        // Each handle that was open hears of the failure once.
        let mut attempts = 0;
        while let Err(error) = write(&database, "after", false).await {
            attempts += 1;
            assert!(attempts < 10, "{error:?}");
        }
        let position = disk.position();
        let crashed = tempfile::tempdir().unwrap();
        disk.crash(position, seed, crashed.path());
        check(&crashed, &["before".to_owned(), "after".to_owned()]).await.unwrap();
        database.close().await;
        drop(folder);
    }
}
