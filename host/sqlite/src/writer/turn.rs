//! A session's transaction: a savepoint in the shared transaction, while which everyone else waits.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::batch::{foreign_key_error, is_lost};
use super::{Member, Writer};
use crate::lease::{Lease, Status};
use crate::mailbox::{Job, Mail, Outcome, Reply, Work};
use crate::{Error, raw};

/// A turn under way.
struct Turn<'l> {
    lease: &'l Arc<Lease>,
    /// Whether neighbours' work lies below the transaction, so that only a savepoint can tell them apart.
    savepoint: bool,
    started: Instant,
}

impl Writer {
    /// Runs a session's transaction from its first statement to its end.
    pub(super) fn turn(&mut self, lease: &Arc<Lease>, work: Work, reply: Reply) {
        if lease.is_over() {
            let _ = reply.send(Err(lease.ended()));
            return;
        }
        if reply.is_closed() {
            return;
        }
        let turn = match self.begin_turn(lease) {
            Ok(turn) => turn,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let mut next = Some((work, reply));
        while let Some((work, reply)) = next {
            next = if self.step(&turn, work, reply) { self.next_step(&turn) } else { None };
        }
    }

    fn begin_turn<'l>(&mut self, lease: &'l Arc<Lease>) -> Result<Turn<'l>, Error> {
        // Those who wait for the commit wait for this transaction, too: not for too many of them in a row.
        if self.shared.as_ref().is_some_and(|shared| shared.since.elapsed() > self.options.max_batch_age) {
            self.commit();
        }
        self.begin()?;
        let savepoint = self.shared.as_ref().is_some_and(|shared| !shared.members.is_empty());
        if savepoint {
            self.connection()?.control("SAVEPOINT turn")?;
        }
        lease.set(Status::Active);
        self.counters.transactions.fetch_add(1, Relaxed);
        Ok(Turn { lease, savepoint, started: Instant::now() })
    }

    /// Waits for the session's next statement. None: the transaction was rolled back, because none came.
    fn next_step(&mut self, turn: &Turn<'_>) -> Option<(Work, Reply)> {
        let idle = Instant::now() + self.options.lease_idle;
        let end = turn.started + self.options.lease_max;
        loop {
            let mail = self.mailbox.wait_for_holder(self.options.lease_spin, idle.min(end));
            let status = match mail {
                Mail::Job(Job { reply, .. }) if reply.is_closed() => continue,
                Mail::Job(Job { work, reply, .. }) if Instant::now() < end => return Some((work, reply)),
                Mail::Job(Job { reply, .. }) => {
                    self.expire(turn, Status::TookTooLong);
                    let _ = reply.send(Err(turn.lease.ended()));
                    return None;
                }
                Mail::Closed => Status::Abandoned,
                Mail::Nothing if turn.lease.is_over() => Status::Abandoned,
                Mail::Nothing if Instant::now() >= end => Status::TookTooLong,
                Mail::Nothing => Status::Idled,
            };
            self.expire(turn, status);
            return None;
        }
    }

    fn expire(&mut self, turn: &Turn<'_>, status: Status) {
        if status != Status::Abandoned {
            self.counters.lease_timeouts.fetch_add(1, Relaxed);
        }
        self.undo(turn);
        turn.lease.set(status);
    }

    /// Runs one statement of the transaction. False when the transaction is over.
    fn step(&mut self, turn: &Turn<'_>, work: Work, reply: Reply) -> bool {
        let done = match work {
            Work::Commit => return self.commit_turn(turn, reply),
            Work::Rollback => return self.roll_back_turn(turn, reply),
            Work::Run(statement) => {
                let left = (turn.started + self.options.lease_max).saturating_duration_since(Instant::now());
                self.run_statement(&statement, left.min(self.options.write_time_limit), Some(turn.lease.gone()))
            }
            Work::Savepoint(level) => self.control(&format!("SAVEPOINT level{level}")),
            Work::Release(level) => self.control(&format!("RELEASE level{level}")),
            Work::RollbackTo(level) => self.control(&format!("ROLLBACK TO level{level}")),
            Work::Native(_) => Err(Error::Refused("native work is never part of a session's transaction".to_owned())),
        };
        let lost = self.connection.as_ref().is_none_or(is_lost);
        if lost {
            turn.lease.set(Status::Lost);
        }
        let _ = reply.send(if lost { Err(done.err().unwrap_or_else(|| turn.lease.ended())) } else { done });
        if lost {
            self.redo_neighbours();
        }
        !lost
    }

    fn control(&mut self, sql: &str) -> Result<Outcome, Error> {
        self.connection()?.control(sql)?;
        Ok(Outcome::default())
    }

    /// The reply waits for the shared commit.
    fn commit_turn(&mut self, turn: &Turn<'_>, reply: Reply) -> bool {
        if self.connection.as_ref().is_some_and(|connection| raw::violates_deferred_foreign_key(&connection.sqlite)) {
            // As in SQLite, the transaction stays open: the session may repair it, or roll back.
            let _ = reply.send(Err(foreign_key_error()));
            return true;
        }
        if turn.savepoint
            && let Err(error) = self.control("RELEASE turn")
        {
            self.expire(turn, Status::Lost);
            let _ = reply.send(Err(error));
            return false;
        }
        turn.lease.set(Status::Ended);
        self.join(Member::Transaction { reply }, 0);
        false
    }

    /// What the session has read may be its neighbours' and not on disk yet, so this reply waits for their commit, too.
    fn roll_back_turn(&mut self, turn: &Turn<'_>, reply: Reply) -> bool {
        self.undo(turn);
        turn.lease.set(Status::Ended);
        if self.shared.is_some() {
            self.join(Member::Transaction { reply }, 0);
        } else {
            let _ = reply.send(Ok(Outcome::default()));
        }
        false
    }

    /// Undoes the transaction and leaves the neighbours' work, if there is any.
    fn undo(&mut self, turn: &Turn<'_>) {
        let undone = match (&self.connection, turn.savepoint) {
            (None, _) => return,
            (Some(connection), true) => {
                connection.control("ROLLBACK TO turn").and_then(|()| connection.control("RELEASE turn"))
            }
            (Some(connection), false) => {
                self.shared = None;
                connection.control("ROLLBACK")
            }
        };
        if undone.is_err() {
            // A connection that cannot roll back is closed, which rolls back.
            self.connection = None;
            self.redo_neighbours();
        }
    }

    pub(super) fn redo_neighbours(&mut self) {
        for (statement, reply) in self.survivors() {
            self.single(statement, reply);
        }
    }
}
