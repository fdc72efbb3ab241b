//! Work of the host's own, as a closure with the connection: several statements at once, in a commit that neighbours share.
//!
//! A session sends one statement at a time, because a guest does; between two of them everyone waits. The host's own
//! stores (the event broker) know all that they want to do, so they bring it to the writer as a whole.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::guard::Guard;
use crate::mailbox::{Job, Work};
use crate::reader::Readers;
use crate::{Database, Error};

type Run = Box<dyn FnOnce(&rusqlite::Connection) -> Result<(), Error> + Send>;

/// What the writer is to run.
pub(crate) struct Native {
    pub run: Run,
    /// How much of the shared commit it takes.
    pub bytes: usize,
}

impl Database {
    /// Runs `work` on the writer and answers when its effect is on disk. An error of it undoes it whole. `bytes` is roughly
    /// what it writes. With [`Error::TransactionEnded`] nothing was written and the same may be tried again at once: a
    /// neighbour in the shared commit ran into a full disk, say.
    ///
    /// If the future is dropped, work that has not begun is not done.
    pub async fn write<T, W>(&self, bytes: usize, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&rusqlite::Connection) -> Result<T, Error> + Send + 'static,
    {
        let done = Arc::new(Mutex::new(None));
        let place = Arc::clone(&done);
        let run = Box::new(move |sqlite: &rusqlite::Connection| {
            let result = work(sqlite)?;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Ok(())
        });
        let (reply, answer) = oneshot::channel();
        let job = Job { lease: None, work: Work::Native(Native { run, bytes }), reply };
        self.mailbox.push(job, &self.options).inspect_err(|error| {
            if matches!(error, Error::Busy(_)) {
                self.count_refusal();
            }
        })?;
        let gone = || Error::Io("the writer gave no answer".to_owned());
        answer.await.map_err(|_| gone())??;
        done.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(gone)
    }

    /// Runs `work` on a connection that only reads, on a thread of its own. It sees everything whose reply was sent before
    /// this call.
    pub async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&rusqlite::Connection) -> Result<T, Error> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let limit = self.options.read_time_limit;
        let run = move || {
            let borrowed = Borrowed::new(&readers)?;
            let connection = borrowed.connection()?;
            connection.guard.limit(limit, None);
            let result = in_one_snapshot(connection, work);
            explained(result, &connection.guard, limit.as_millis())
        };
        tokio::task::spawn_blocking(run).await.map_err(|failed| Error::Io(format!("the reader failed: {failed}")))?
    }
}

fn in_one_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&rusqlite::Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.control("BEGIN")?;
    let result = work(&connection.sqlite);
    connection.control("ROLLBACK")?;
    result
}

/// A statement that the guard stopped says only that it was interrupted.
pub(crate) fn explained<T>(result: Result<T, Error>, guard: &Guard, limit_ms: u128) -> Result<T, Error> {
    let stopped = guard.stopped();
    guard.lift();
    if result.is_err() && stopped { Err(Error::TimedOut(limit_ms)) } else { result }
}

/// A reader's connection, given back whatever happens; after a panic in its work it is closed instead.
struct Borrowed<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl<'r> Borrowed<'r> {
    fn new(readers: &'r Readers) -> Result<Self, Error> {
        Ok(Self { readers, connection: Some(readers.borrow()?) })
    }

    fn connection(&self) -> Result<&Connection, Error> {
        self.connection.as_ref().ok_or(Error::Closed)
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !std::thread::panicking()
        {
            self.readers.give_back(connection);
        }
    }
}
