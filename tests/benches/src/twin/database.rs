//! One SQLite file: a writer thread that commits one by one or in groups, and readers on the caller's thread.

use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result};
use tokio::sync::oneshot;

use crate::arguments::Commit;

/// Does its work in a transaction and gives back how to tell the caller, once the transaction is on disk or lost.
type Job = Box<dyn FnOnce(&Connection) -> Box<dyn FnOnce(bool) + Send> + Send>;

pub struct Database {
    jobs: mpsc::Sender<Job>,
    /// Idle readers. Never more than the runtime has threads, because a read never waits.
    readers: Mutex<Vec<Connection>>,
    path: std::path::PathBuf,
}

/// As the platform's engine: above this the latency grows faster than the throughput.
const MOST_IN_GROUP: usize = 128;

impl Database {
    pub fn open(path: &Path, migrations: &[&str], commit: Commit) -> Result<Database> {
        let connection = connect(path, OpenFlags::default())?;
        connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=4096;")?;
        for migration in migrations {
            connection.execute_batch(migration)?;
        }
        let (jobs, waiting) = mpsc::channel();
        thread::spawn(move || match commit {
            Commit::One => commit_each(&connection, &waiting),
            Commit::Group => commit_groups(&connection, &waiting),
        });
        Ok(Database { jobs, readers: Mutex::default(), path: path.to_owned() })
    }

    /// Runs `work` in a transaction; answers when it is on disk.
    pub async fn write<T, W>(&self, work: W) -> anyhow::Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let done = in_savepoint(connection, work);
            Box::new(move |is_durable| {
                let done = done.map_err(anyhow::Error::from);
                let told = if is_durable { done } else { Err(anyhow::anyhow!("the commit failed")) };
                // Nobody waits any more: the write stays.
                let _ = reply.send(told);
            })
        });
        self.jobs.send(job).map_err(|_| anyhow::anyhow!("the writer is gone"))?;
        answer.await?
    }

    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?,
        };
        let found = work(&reader);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        found
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON;")?;
    Ok(connection)
}

/// A job that fails takes back its own changes only.
fn in_savepoint<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let done = work(connection);
    if done.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    done
}

fn commit_each(connection: &Connection, waiting: &mpsc::Receiver<Job>) {
    while let Ok(job) = waiting.recv() {
        commit(connection, vec![job]);
    }
}

fn commit_groups(connection: &Connection, waiting: &mpsc::Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let group = std::iter::once(first).chain(waiting.try_iter()).take(MOST_IN_GROUP).collect();
        commit(connection, group);
    }
}

fn commit(connection: &Connection, group: Vec<Job>) {
    let run = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    let begun = run("BEGIN IMMEDIATE").is_ok();
    let tell: Vec<_> = group.into_iter().map(|job| job(connection)).collect();
    let is_durable = begun && run("COMMIT").is_ok();
    for tell in tell {
        tell(is_durable);
    }
}
