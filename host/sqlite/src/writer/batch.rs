//! Statements outside transactions: run one after the other in the shared transaction, committed and answered together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::{Member, Writer};
use crate::bounds::Bounds;
use crate::connection::Connection;
use crate::mailbox::{Outcome, Reply, Statement};
use crate::plan::Kind;
use crate::reader::too_large;
use crate::run::{Stop, run};
use crate::{Commit, Error, raw};

impl Writer {
    /// Runs a statement as a member of the shared transaction. A statement that fails undoes only itself: SQLite sees to
    /// that, and [`crate::plan`] refuses the clauses that say otherwise. Where SQLite gives up the whole transaction
    /// nonetheless (disk full, I/O error, a statement over its time), the statement alone fails and its neighbours,
    /// of whom nobody has heard yet, run again.
    pub(super) fn single(&mut self, statement: Statement, reply: Reply) {
        let mut queue = VecDeque::from([(statement, reply)]);
        while let Some((statement, reply)) = queue.pop_front() {
            if let Err(error) = self.begin() {
                let _ = reply.send(Err(error));
                continue;
            }
            let result = self.run_statement(&statement, self.options.write_time_limit, None);
            match self.transaction_lost() {
                None => {
                    // What a statement returns waits for the commit, too.
                    let returned = result.as_ref().map_or(0, |outcome| outcome.output.size_bytes());
                    let bytes = statement.size_bytes() + returned;
                    self.join(Member::Single { statement, reply, result }, bytes);
                }
                Some(loss) => {
                    let _ = reply.send(Err(result.err().unwrap_or(loss)));
                    for survivor in self.survivors().into_iter().rev() {
                        queue.push_front(survivor);
                    }
                }
            }
        }
    }

    pub(super) fn run_statement(
        &mut self,
        statement: &Statement,
        time: Duration,
        cancelled: Option<Arc<AtomicBool>>,
    ) -> Result<Outcome, Error> {
        let result_bytes = statement.limits.result_bytes;
        let (memory_bytes, temporary_bytes) = (statement.limits.memory_bytes, self.options.max_temporary_bytes);
        let connection = self.connection()?;
        raw::set_last_insert_rowid(&connection.sqlite, statement.rowid);
        let bounds = Bounds { time, result_bytes, memory_bytes, temporary_bytes, cancelled };
        let output = run(connection, &statement.plan.sql, &statement.params, bounds).map_err(|stop| match stop {
            Stop::Failed(error) => error,
            Stop::OutOfTime => Error::TimedOut(time.as_millis()),
            Stop::OutOfSpace => too_large(result_bytes),
        })?;
        let counts = matches!(statement.plan.kind, Kind::Write { counts: true });
        Ok(Outcome {
            output,
            changes: counts.then(|| connection.sqlite.changes()),
            rowid: Some(connection.sqlite.last_insert_rowid()),
        })
    }

    /// Whether the shared transaction is gone, or could not be committed as it is. Then it is rolled back.
    fn transaction_lost(&mut self) -> Option<Error> {
        let connection = self.connection.as_ref()?;
        if is_lost(connection) {
            return Some(Error::Io("SQLite rolled the transaction back".to_owned()));
        }
        if raw::violates_deferred_foreign_key(&connection.sqlite) {
            if connection.control("ROLLBACK").is_err() {
                self.connection = None;
            }
            return Some(foreign_key_error());
        }
        None
    }

    /// The members of the transaction that was lost, to run again. What a session did in a transaction of its own cannot
    /// run again, because it has seen the answers; it hears that nothing was written.
    pub(super) fn survivors(&mut self) -> Vec<(Statement, Reply)> {
        let members = self.shared.take().map(|shared| shared.members).unwrap_or_default();
        let survivor = |member| match member {
            Member::Single { statement, reply, .. } => Some((statement, reply)),
            Member::Transaction { reply } => {
                let why = "the transaction was rolled back with a neighbour's; nothing of it was written, try again";
                let _ = reply.send(Err(Error::TransactionEnded(why.to_owned())));
                None
            }
        };
        members.into_iter().filter_map(survivor).collect()
    }

    /// Commits the shared transaction and answers its members: success only when it is on disk.
    pub(super) fn commit(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let began = Instant::now();
        let committed = match &self.connection {
            Some(connection) => connection.control("COMMIT").map_err(Error::from),
            None => Err(Error::Io("the connection is gone".to_owned())),
        };
        match committed {
            Ok(()) => {
                self.counters.committed(shared.members.len());
                let commit = Commit { took: began.elapsed(), jobs: shared.members.len() };
                shared.members.into_iter().for_each(|member| member.succeed(commit));
                self.checkpoint_after_commit();
            }
            Err(error) => {
                tracing::error!(
                    "commit of {} writes to `{}` failed: {error}",
                    shared.members.len(),
                    self.path.display()
                );
                self.counters.commit_failed();
                // The failed connection goes before its callers hear of it, so that its locks are gone when they return.
                self.connection = None;
                shared.members.into_iter().for_each(|member| member.fail(&error));
            }
        }
    }
}

impl Member {
    fn succeed(self, commit: Commit) {
        let (reply, mut result) = match self {
            Self::Single { reply, result, .. } => (reply, result),
            Self::Transaction { reply } => (reply, Ok(Outcome::default())),
        };
        if let Ok(outcome) = &mut result {
            outcome.output.commit = Some(commit);
        }
        let _ = reply.send(result);
    }

    fn fail(self, error: &Error) {
        let error = match error {
            Error::Full => Error::Full,
            other => Error::Io(format!("the commit failed: {other}")),
        };
        let (Self::Single { reply, .. } | Self::Transaction { reply }) = self;
        let _ = reply.send(Err(error));
    }
}

/// Inside the shared transaction SQLite is never in autocommit mode, unless it has rolled back by itself.
pub(super) fn is_lost(connection: &Connection) -> bool {
    connection.sqlite.is_autocommit()
}

/// As SQLite says it at COMMIT.
pub(super) fn foreign_key_error() -> Error {
    Error::Statement("FOREIGN KEY constraint failed".to_owned())
}
