//! Copies the write-ahead log into the database file: beside the writer when it is idle or the log has grown, on the writer
//! only when the log outgrows every bound.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Writer;
use crate::connection::Connection;
use crate::options::Options;

/// What the writer remembers between checkpoints.
#[derive(Default)]
pub(super) struct Checkpoint {
    /// Commits came since the last one.
    due: bool,
    /// When the log was last copied or emptied because of its size.
    last: Option<Instant>,
    running: Option<JoinHandle<()>>,
}

impl Checkpoint {
    /// How long the writer may sleep before an idle checkpoint is due.
    pub fn wait(&self, options: &Options) -> Option<Duration> {
        self.due.then_some(options.checkpoint_idle)
    }

    /// A long read keeps the log from shrinking: then not every commit shall try in vain.
    fn may_run(&mut self, options: &Options) -> bool {
        let may = self.last.is_none_or(|last| last.elapsed() >= options.checkpoint_idle);
        if may {
            self.last = Some(Instant::now());
        }
        may
    }
}

impl Writer {
    pub(super) fn checkpoint_after_commit(&mut self) {
        self.checkpoint.due = true;
        let Some(connection) = &self.connection else { return };
        let log_bytes = connection.log_bytes();
        if log_bytes <= self.options.checkpoint_bytes || !self.checkpoint.may_run(&self.options) {
            return;
        }
        if log_bytes > self.options.truncate_bytes {
            self.counters.checkpoints.fetch_add(1, Relaxed);
            if let Err(error) = connection.empty_log() {
                tracing::warn!("checkpoint of `{}` failed: {error}", self.path.display());
            }
        } else {
            self.checkpoint_beside();
        }
    }

    pub(super) fn checkpoint_idle(&mut self) {
        self.checkpoint.due = false;
        self.checkpoint_beside();
    }

    /// On a thread of its own, so that a write that arrives meanwhile need not wait for it.
    fn checkpoint_beside(&mut self) {
        if self.checkpoint.running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        self.counters.checkpoints.fetch_add(1, Relaxed);
        let (path, options) = (self.path.clone(), self.options.clone());
        let thread = std::thread::Builder::new().name("sqlite-checkpoint".to_owned());
        self.checkpoint.running = thread.spawn(move || copy_log(path, &options)).ok();
    }

    /// When the database closes: the file then holds everything, and the log is gone.
    pub(super) fn checkpoint_last(&mut self) {
        if let Some(thread) = self.checkpoint.running.take() {
            let _ = thread.join();
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.empty_log()
        {
            tracing::warn!("last checkpoint of `{}` failed: {error}", self.path.display());
        }
    }
}

fn copy_log(path: PathBuf, options: &Options) {
    let copied =
        Connection::reader(&path, options).and_then(|connection| connection.copy_log().map_err(crate::Error::from));
    if let Err(error) = copied {
        tracing::warn!("checkpoint of `{}` failed: {error}", path.display());
    }
}
