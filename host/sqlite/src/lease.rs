//! A session's turn with the writer: one transaction, from its first statement to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::Error;

/// Shared by the session that owns the transaction and the writer that runs it.
#[derive(Debug)]
pub(crate) struct Lease {
    status: AtomicU8,
    /// The session was dropped: stops the statement that runs for it.
    gone: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// No statement has reached the writer yet.
    Waiting,
    Active,
    /// Committed or rolled back by its session.
    Ended,
    Idled,
    TookTooLong,
    /// SQLite rolled the transaction back: disk full, I/O error, or a statement over its time.
    Lost,
    /// The session was dropped.
    Abandoned,
}

impl Lease {
    pub fn new() -> Self {
        Self { status: AtomicU8::new(Status::Waiting as u8), gone: Arc::default() }
    }

    pub fn status(&self) -> Status {
        use Status::*;
        let value = self.status.load(Ordering::Acquire);
        [Waiting, Active, Ended, Idled, TookTooLong, Lost].into_iter().find(|s| *s as u8 == value).unwrap_or(Abandoned)
    }

    pub fn set(&self, status: Status) {
        self.status.store(status as u8, Ordering::Release);
    }

    pub fn abandon(&self) {
        self.set(Status::Abandoned);
        self.gone.store(true, Ordering::Release);
    }

    pub fn gone(&self) -> Arc<AtomicBool> {
        self.gone.clone()
    }

    pub fn is_over(&self) -> bool {
        !matches!(self.status(), Status::Waiting | Status::Active)
    }

    /// What a statement of a transaction that is over is told.
    pub fn ended(&self) -> Error {
        Error::TransactionEnded(
            match self.status() {
                Status::Idled => "the transaction was rolled back: it idled while others waited (is there an outbound call inside it?)",
                Status::TookTooLong => "the transaction was rolled back: it took too long while others waited",
                Status::Lost => "the transaction was rolled back after the error of its last statement",
                _ => "the transaction is over",
            }
            .to_owned(),
        )
    }
}
