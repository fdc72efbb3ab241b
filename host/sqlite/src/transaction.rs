//! Transaction control as a session says it: BEGIN, COMMIT, ROLLBACK and savepoints, translated for the shared transaction.

use std::sync::Arc;

use crate::lease::{Lease, Status};
use crate::mailbox::Work;
use crate::plan::Control;
use crate::{Error, QueryOutput, Session};

/// Savepoints inside one another: each keeps pages of its own in memory.
const MAX_SAVEPOINTS: usize = 64;

/// A session's open transaction. BEGIN opens it here only: the writer hears of it with the first statement.
pub(crate) struct Transaction {
    pub lease: Arc<Lease>,
    /// The session's savepoints, outermost first. The writer knows them by their position, not by their name.
    savepoints: Vec<String>,
    /// Begun by SAVEPOINT instead of BEGIN, so that releasing the outermost savepoint commits.
    by_savepoint: bool,
}

impl Transaction {
    fn new(by_savepoint: bool) -> Self {
        Self { lease: Arc::new(Lease::new()), savepoints: Vec::new(), by_savepoint }
    }

    /// SQLite means the innermost savepoint of that name.
    fn level(&self, name: &str) -> Result<usize, Error> {
        self.savepoints
            .iter()
            .rposition(|savepoint| savepoint == name)
            .ok_or_else(|| Error::Statement(format!("no such savepoint: {name}")))
    }
}

impl Session {
    pub(crate) async fn control(
        &self,
        transaction: &mut Option<Transaction>,
        control: &Control,
    ) -> Result<QueryOutput, Error> {
        if let Some(over) = transaction.take_if(|open| open.lease.is_over()) {
            // What ROLLBACK asks for has happened already.
            return if *control == Control::Rollback { Ok(QueryOutput::default()) } else { Err(over.lease.ended()) };
        }
        match (control, transaction.as_mut()) {
            (Control::Begin, Some(_)) => Err(statement("cannot start a transaction within a transaction")),
            (Control::Begin, None) => {
                *transaction = Some(Transaction::new(false));
                Ok(QueryOutput::default())
            }
            (Control::Savepoint(name), None) => self.begin_by_savepoint(transaction, name).await,
            (Control::Savepoint(name), Some(open)) => self.savepoint(open, name).await,
            (Control::Commit, None) => Err(statement("cannot commit - no transaction is active")),
            (Control::Rollback, None) => Err(statement("cannot rollback - no transaction is active")),
            (Control::Release(name) | Control::RollbackTo(name), None) => {
                Err(statement(&format!("no such savepoint: {name}")))
            }
            (Control::Commit, Some(_)) => self.end(transaction, Work::Commit).await,
            (Control::Rollback, Some(_)) => self.end(transaction, Work::Rollback).await,
            (Control::Release(name), Some(open)) => match open.level(name)? {
                0 if open.by_savepoint => self.end(transaction, Work::Commit).await,
                level => self.release(open, level).await,
            },
            (Control::RollbackTo(name), Some(open)) => {
                let level = open.level(name)?;
                self.submit(Some(open.lease.clone()), Work::RollbackTo(level)).await?;
                open.savepoints.truncate(level + 1);
                Ok(QueryOutput::default())
            }
        }
    }

    async fn begin_by_savepoint(
        &self,
        transaction: &mut Option<Transaction>,
        name: &str,
    ) -> Result<QueryOutput, Error> {
        let open = transaction.insert(Transaction::new(true));
        let result = self.savepoint(open, name).await;
        if result.is_err() {
            *transaction = None;
        }
        result
    }

    async fn savepoint(&self, open: &mut Transaction, name: &str) -> Result<QueryOutput, Error> {
        let level = open.savepoints.len();
        if level >= MAX_SAVEPOINTS {
            return Err(Error::TooLarge(format!("more than {MAX_SAVEPOINTS} savepoints inside one another")));
        }
        let result = self.submit(Some(open.lease.clone()), Work::Savepoint(level)).await?;
        open.savepoints.push(name.to_owned());
        Ok(result)
    }

    async fn release(&self, open: &mut Transaction, level: usize) -> Result<QueryOutput, Error> {
        self.submit(Some(open.lease.clone()), Work::Release(level)).await?;
        open.savepoints.truncate(level);
        Ok(QueryOutput::default())
    }

    /// COMMIT or ROLLBACK. A transaction that the writer never heard of ends here.
    async fn end(&self, transaction: &mut Option<Transaction>, work: Work) -> Result<QueryOutput, Error> {
        let Some(open) = transaction else { return Ok(QueryOutput::default()) };
        let lease = open.lease.clone();
        if lease.status() == Status::Waiting {
            *transaction = None;
            return Ok(QueryOutput::default());
        }
        let result = self.submit(Some(lease.clone()), work).await;
        if lease.is_over() {
            *transaction = None;
        }
        result
    }
}

fn statement(message: &str) -> Error {
    Error::Statement(message.to_owned())
}
