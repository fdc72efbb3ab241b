//! One caller's connection to a database: its transaction, and where its statements go.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use tokio::sync::{Mutex, oneshot};

use crate::lease::Lease;
use crate::mailbox::{Job, Outcome, Statement, Work};
use crate::options::Options;
use crate::plan::{Kind, Plan};
use crate::transaction::Transaction;
use crate::{Database, Error, QueryOutput, Value};

/// A connection. Its statements may be sent concurrently; those of a transaction run one at a time.
/// Dropping it rolls an open transaction back.
pub struct Session {
    database: Arc<Database>,
    transaction: Mutex<Option<Transaction>>,
    changes: AtomicU64,
    rowid: AtomicI64,
    read_only: bool,
    limits: SessionLimits,
}

/// What each statement of one session may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Memory while it runs, beside its parameters and the page cache.
    pub memory_bytes: usize,
    /// Its rows together.
    pub result_bytes: usize,
}

impl Session {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        let Options { max_statement_memory, max_result_bytes, .. } = database.options;
        Self {
            limits: SessionLimits { memory_bytes: max_statement_memory, result_bytes: max_result_bytes },
            database,
            transaction: Mutex::default(),
            changes: AtomicU64::new(0),
            rowid: AtomicI64::new(0),
            read_only: false,
        }
    }

    /// The same connection for one who may not change anything: all but reads are refused.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The same connection with less than the database allows; it never gets more.
    pub fn within(mut self, limits: SessionLimits) -> Self {
        self.limits.memory_bytes = self.limits.memory_bytes.min(limits.memory_bytes);
        self.limits.result_bytes = self.limits.result_bytes.min(limits.result_bytes);
        self
    }

    /// Runs one statement. Outside a transaction the answer to a write comes when it is on disk; inside, when it is done,
    /// and the answer to COMMIT when the whole is on disk.
    ///
    /// If the future is dropped, a statement that has not begun does not run; a read that has begun stops; a write that
    /// has begun ends, and its effect stays. Inside a transaction, what has begun stops only with the whole session.
    pub async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<QueryOutput, Error> {
        self.check(sql, &params)?;
        let plan = self.database.plans.get(sql);
        if let Kind::Refused(why) = &plan.kind {
            return Err(Error::Refused(why.clone()));
        }
        if self.read_only && !matches!(plan.kind, Kind::Read | Kind::ReadConnection) {
            return Err(Error::Refused("a probe of a new version may only read".to_owned()));
        }
        let mut transaction = self.transaction.lock().await;
        if let Kind::Control(control) = &plan.kind {
            return self.control(&mut transaction, control).await;
        }
        if let Some(open) = transaction.as_ref() {
            let lease = open.lease.clone();
            if lease.is_over() {
                *transaction = None;
                return Err(lease.ended());
            }
            return self.submit(Some(lease), self.statement(plan, params)).await; // holds `transaction`: one at a time
        }
        drop(transaction);
        match plan.kind {
            Kind::Read => self.database.readers.read(&plan, params, self.limits).await,
            _ => self.submit(None, self.statement(plan, params)).await,
        }
    }

    /// Rows changed by this session's last INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    /// The rowid of this session's last INSERT, or 0.
    pub fn last_insert_rowid(&self) -> i64 {
        self.rowid.load(Relaxed)
    }

    fn check(&self, sql: &str, params: &[Value]) -> Result<(), Error> {
        let options = &self.database.options;
        if sql.len() > options.max_statement_bytes {
            return Err(Error::TooLarge(format!("the statement is longer than {} bytes", options.max_statement_bytes)));
        }
        if params.len() > options.max_parameters {
            return Err(Error::TooLarge(format!("more than {} parameters", options.max_parameters)));
        }
        if params.iter().map(Value::size_bytes).sum::<usize>() > options.max_parameter_bytes {
            return Err(Error::TooLarge(format!("parameters of more than {} bytes", options.max_parameter_bytes)));
        }
        Ok(())
    }

    fn statement(&self, plan: Arc<Plan>, params: Vec<Value>) -> Work {
        Work::Run(Statement { plan, params, rowid: self.rowid.load(Relaxed), limits: self.limits })
    }

    /// Sends work to the writer and awaits the answer.
    pub(crate) async fn submit(&self, lease: Option<Arc<Lease>>, work: Work) -> Result<QueryOutput, Error> {
        let (reply, answer) = oneshot::channel();
        let pushed = self.database.mailbox.push(Job { lease, work, reply }, &self.database.options);
        if let Err(error) = pushed {
            if matches!(error, Error::Busy(_)) {
                self.database.count_refusal();
            }
            return Err(error);
        }
        let Outcome { output, changes, rowid } =
            answer.await.map_err(|_| Error::Io("the writer gave no answer".to_owned()))??;
        if let Some(changes) = changes {
            self.changes.store(changes, Relaxed);
        }
        if let Some(rowid) = rowid {
            self.rowid.store(rowid, Relaxed);
        }
        Ok(output)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(open) = self.transaction.get_mut().take()
            && !open.lease.is_over()
        {
            open.lease.abandon();
            self.database.mailbox.abandoned(&open.lease);
        }
    }
}
