//! One database file: its writer thread, its readers, and what they share.

use kobliat_private_files as private_files;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::Error;
use crate::connection::Connection;
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::plan::Plans;
use crate::reader::Readers;
use crate::session::Session;
use crate::statistics::{Counters, Statistics};
use crate::writer::Writer;

/// An open database. Open each file once: a second `Database` on the same file works, but they wait for each other's locks.
/// Dropping the last handle closes it as [`Database::close`] does.
pub struct Database {
    pub(crate) options: Options,
    pub(crate) plans: Plans,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) readers: Arc<Readers>,
    counters: Arc<Counters>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Database {
    /// Opens the file, and makes it and its directories if need be. Blocks for some milliseconds.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Arc<Self>, Error> {
        let path = prepare_path(path.as_ref())?;
        let connection = Connection::writer(&path, &options)?;
        let (mailbox, counters) = (Arc::<Mailbox>::default(), Arc::<Counters>::default());
        let writer = Writer::new(path.clone(), options.clone(), mailbox.clone(), counters.clone(), connection);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| open_error(&path, &error))?;
        let readers = Arc::new(Readers::new(path, options.clone(), counters.clone()));
        Ok(Arc::new(Self {
            options,
            plans: Plans::default(),
            mailbox,
            readers,
            counters,
            writer: Mutex::new(Some(thread)),
        }))
    }

    /// A new connection, in SQLite's sense: own transaction, own `changes`. Costs nothing until used.
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(self.clone())
    }

    pub fn statistics(&self) -> Statistics {
        self.counters.snapshot()
    }

    pub(crate) fn count_refusal(&self) {
        self.counters.refused_busy.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// Finishes what was accepted, rolls open transactions back, copies the log into the file and closes it. Statements
    /// that come later fail with `Closed`.
    pub async fn close(&self) {
        self.stop();
        let Some(writer) = self.take_writer() else { return };
        if tokio::task::spawn_blocking(move || writer.join()).await.is_err() {
            tracing::error!("a database's writer could not be awaited");
        }
    }

    fn stop(&self) {
        self.readers.close();
        self.mailbox.close();
    }

    fn take_writer(&self) -> Option<JoinHandle<()>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
        if let Some(writer) = self.take_writer() {
            let _ = writer.join();
        }
    }
}

/// The absolute path, its directory and the file made so that only this user can open them: the files beside it (`-wal`,
/// `-shm`) get the mode of the file from SQLite. Absolute, because SQLite would take a relative path that begins with `file:` for a URI.
fn prepare_path(path: &Path) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(path).map_err(|error| open_error(path, &error))?;
    if let Some(directory) = absolute.parent() {
        private_files::create_dir_all(directory).map_err(|error| open_error(path, &error))?;
    }
    private_files::prepare(&absolute).map_err(|error| open_error(path, &error))?;
    ["-wal", "-shm"].iter().for_each(|suffix| private_files::close(&beside(&absolute, suffix)));
    Ok(absolute)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn open_error(path: &Path, error: &std::io::Error) -> Error {
    Error::Open { path: path.display().to_string(), reason: error.to_string() }
}
