//! What passes from the sessions to the writer thread: jobs in order of arrival, and the current transaction's next statement.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::lease::Lease;
use crate::native::Native;
use crate::options::Options;
use crate::plan::Plan;
use crate::session::SessionLimits;
use crate::{Error, QueryOutput, Value};

/// One thing to do on the writer, and where its answer goes.
pub(crate) struct Job {
    pub lease: Option<Arc<Lease>>,
    pub work: Work,
    pub reply: Reply,
}

pub(crate) type Reply = oneshot::Sender<Result<Outcome, Error>>;

pub(crate) enum Work {
    Run(Statement),
    /// The host's own work, as a whole; never part of a session's transaction.
    Native(Native),
    Savepoint(usize),
    Release(usize),
    RollbackTo(usize),
    Commit,
    Rollback,
}

pub(crate) struct Statement {
    pub plan: Arc<Plan>,
    pub params: Vec<Value>,
    /// The session's `last_insert_rowid`, which the statement may ask for.
    pub rowid: i64,
    pub limits: SessionLimits,
}

impl Statement {
    pub fn size_bytes(&self) -> usize {
        self.params.iter().map(Value::size_bytes).sum::<usize>() + self.plan.sql.len()
    }
}

impl Work {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Run(statement) => statement.size_bytes(),
            Self::Native(native) => native.bytes,
            _ => 0,
        }
    }
}

/// The answer to a job.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub output: QueryOutput,
    /// Set by a statement that counts.
    pub changes: Option<u64>,
    pub rowid: Option<i64>,
}

/// What the writer finds when it looks.
pub(crate) enum Mail {
    Job(Job),
    Nothing,
    Closed,
}

#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    arrived: Condvar,
    /// The lease holder's statement has arrived, or its session has gone: read without the lock by the spinning writer.
    lease_news: AtomicBool,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// What they hold together.
    bytes: usize,
    holder: Option<Arc<Lease>>,
    holder_job: Option<Job>,
    waiting: Waiting,
    /// How many jobs the writer sleeps for, when it waits for any.
    wanted: usize,
    closed: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    #[default]
    Nothing,
    AnyJob,
    Holder,
}

impl Mailbox {
    /// Never waits. The answer comes through the job's reply.
    pub fn push(&self, job: Job, options: &Options) -> Result<(), Error> {
        let (max_jobs, max_bytes) = (options.max_queued_jobs, options.max_queued_bytes);
        let job_bytes = job.work.size_bytes();
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        if state.holds(job.lease.as_ref()) {
            state.holder_job = Some(job);
            self.lease_news.store(true, Ordering::Release);
            self.wake(state, Waiting::Holder);
            return Ok(());
        }
        if state.jobs.len() >= max_jobs {
            return Err(Error::Busy(format!("{max_jobs} statements wait for this database already")));
        }
        // The first may be as large as it is: nothing else is there.
        if !state.jobs.is_empty() && state.bytes.saturating_add(job_bytes) > max_bytes {
            return Err(Error::Busy(format!(
                "the statements that wait for this database hold {max_bytes} bytes already"
            )));
        }
        state.bytes += job_bytes;
        state.jobs.push_back(job);
        // The first tells the writer for how long it may wait for the others.
        if state.jobs.len() == 1 || state.jobs.len() >= state.wanted {
            self.wake(state, Waiting::AnyJob);
        }
        Ok(())
    }

    /// The session of `lease` is gone.
    pub fn abandoned(&self, lease: &Arc<Lease>) {
        let state = self.lock();
        if state.holds(Some(lease)) {
            self.lease_news.store(true, Ordering::Release);
            self.wake(state, Waiting::Holder);
        }
    }

    /// Refuses further jobs and lets the writer end after those it has.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.lease_news.store(true, Ordering::Release);
        drop(state);
        self.arrived.notify_all();
    }

    fn wake(&self, state: MutexGuard<'_, State>, what: Waiting) {
        let sleeps = state.waiting == what;
        drop(state);
        if sleeps {
            self.arrived.notify_one();
        }
    }

    /// The turn of the transaction whose first statement was taken is over, or never began.
    pub fn end_turn(&self) {
        let mut state = self.lock();
        state.holder = None;
        state.holder_job = None;
        self.lease_news.store(false, Ordering::Release);
    }

    /// The oldest job, without waiting. With a transaction's job begins its turn: until [`Self::end_turn`], only its own
    /// statements reach the writer.
    pub fn take(&self) -> Mail {
        let mut state = self.lock();
        state.take()
    }

    /// The oldest job, and how many there are with it. Waits for it up to `timeout`, then up to `patience` until there are
    /// `wanted`.
    pub fn wait(&self, timeout: Option<Duration>, wanted: usize, patience: Duration) -> (Mail, usize) {
        let mut state = self.lock();
        let mut deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut has_one = false;
        while !state.closed && state.jobs.len() < wanted.max(1) {
            if !has_one && !state.jobs.is_empty() {
                has_one = true;
                deadline = Some(Instant::now() + patience);
            }
            state.wanted = if has_one { wanted } else { 1 };
            let (next, in_time) = self.sleep(state, Waiting::AnyJob, deadline);
            state = next;
            if !in_time && (has_one || state.jobs.is_empty()) {
                break;
            }
        }
        let jobs = state.jobs.len();
        (state.take(), jobs)
    }

    /// The next statement of the transaction that holds the writer; spins, then sleeps, until `deadline`.
    /// `Nothing` also when the session is gone, `Closed` when the database is.
    pub fn wait_for_holder(&self, spin: Duration, deadline: Instant) -> Mail {
        self.spin(spin);
        let mut state = self.lock();
        loop {
            if let Some(job) = state.holder_job.take() {
                self.lease_news.store(false, Ordering::Release);
                return Mail::Job(job);
            }
            if state.closed {
                return Mail::Closed;
            }
            if state.holder.as_ref().is_none_or(|lease| lease.is_over()) {
                return Mail::Nothing;
            }
            let in_time;
            (state, in_time) = self.sleep(state, Waiting::Holder, Some(deadline));
            if !in_time {
                return Mail::Nothing;
            }
        }
    }

    fn spin(&self, limit: Duration) {
        if limit.is_zero() {
            return;
        }
        let start = Instant::now();
        while !self.lease_news.load(Ordering::Acquire) && start.elapsed() < limit {
            std::hint::spin_loop();
        }
    }

    /// False when the deadline has passed, and nothing was waited for.
    fn sleep<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        what: Waiting,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'s, State>, bool) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return (state, false);
        }
        state.waiting = what;
        let mut state = match left {
            None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.waiting = Waiting::Nothing;
        (state, true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn holds(&self, lease: Option<&Arc<Lease>>) -> bool {
        matches!((&self.holder, lease), (Some(holder), Some(lease)) if Arc::ptr_eq(holder, lease))
    }

    fn take(&mut self) -> Mail {
        match self.jobs.pop_front() {
            Some(job) => {
                self.bytes = self.bytes.saturating_sub(job.work.size_bytes());
                self.holder.clone_from(&job.lease);
                Mail::Job(job)
            }
            None if self.closed => Mail::Closed,
            None => Mail::Nothing,
        }
    }
}
