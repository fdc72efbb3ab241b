//! The writer thread: the only one that changes the file. It gathers what waits into one shared transaction, commits it,
//! and only then answers; while the disk works on one commit, the next batch gathers in the mailbox.

mod batch;
mod checkpoint;
mod company;
mod native;
mod priority;
mod turn;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::connection::Connection;
use crate::mailbox::{Job, Mail, Mailbox, Reply, Statement};
use crate::options::Options;
use crate::statistics::Counters;
use crate::{Error, mailbox::Outcome};

pub(crate) struct Writer {
    path: PathBuf,
    options: Options,
    mailbox: Arc<Mailbox>,
    counters: Arc<Counters>,
    /// None after a failed commit: what the old one had in memory is not to be trusted.
    connection: Option<Connection>,
    shared: Option<Shared>,
    checkpoint: checkpoint::Checkpoint,
    company: company::Company,
}

/// The open shared transaction.
struct Shared {
    members: Vec<Member>,
    bytes: usize,
    since: Instant,
}

/// Someone whose work is in the shared transaction and who waits for its commit.
enum Member {
    /// A statement of its own. Kept whole, because it runs again if a later neighbour loses the transaction.
    Single { statement: Statement, reply: Reply, result: Result<Outcome, Error> },
    /// A transaction that its session ended; its statements were answered already.
    Transaction { reply: Reply },
}

impl Writer {
    pub fn new(
        path: PathBuf,
        options: Options,
        mailbox: Arc<Mailbox>,
        counters: Arc<Counters>,
        connection: Connection,
    ) -> Self {
        let checkpoint = checkpoint::Checkpoint::default();
        let company = company::Company::new(options.max_batch_jobs, Instant::now());
        Self { path, options, mailbox, counters, connection: Some(connection), shared: None, checkpoint, company }
    }

    /// The thread's whole life.
    pub fn run(mut self) {
        priority::yield_to_guests();
        loop {
            let mail = match &self.shared {
                None => self.first(),
                Some(_) if self.is_full() => Mail::Nothing,
                Some(_) => self.mailbox.take(),
            };
            match mail {
                Mail::Nothing if self.shared.is_some() => self.commit(),
                Mail::Job(job) => self.survive(job),
                Mail::Nothing => self.checkpoint_idle(),
                Mail::Closed => break,
            }
        }
        self.commit();
        self.checkpoint_last();
    }

    /// The job that begins a batch, when those that it is worth to wait for are there.
    fn first(&mut self) -> Mail {
        let idle = self.checkpoint.wait(&self.options);
        let (mail, jobs) = self.mailbox.wait(idle, self.company.wanted(), self.options.company_wait);
        if matches!(mail, Mail::Job(_)) {
            self.company.came(jobs, Instant::now());
        }
        mail
    }

    /// A panic in the middle of a job costs the shared transaction, not the database.
    fn survive(&mut self, job: Job) {
        if catch_unwind(AssertUnwindSafe(|| self.handle(job))).is_err() {
            tracing::error!("the writer of `{}` panicked; its open transaction is rolled back", self.path.display());
            self.shared = None;
            self.connection = None;
            self.mailbox.end_turn();
        }
    }

    fn handle(&mut self, job: Job) {
        let Job { lease, work, reply } = job;
        match (lease, work) {
            (Some(lease), work) => {
                self.turn(&lease, work, reply);
                self.mailbox.end_turn();
            }
            (None, crate::mailbox::Work::Run(statement)) if !reply.is_closed() => self.single(statement, reply),
            (None, crate::mailbox::Work::Native(work)) if !reply.is_closed() => self.native(work, reply),
            (None, _) => {}
        }
    }

    fn is_full(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| {
            shared.members.len() >= self.options.max_batch_jobs || shared.bytes >= self.options.max_batch_bytes
        })
    }

    /// The connection, opened anew after a failure.
    fn connection(&mut self) -> Result<&Connection, Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::writer_after_failure(&self.path, &self.options)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Opens the shared transaction, if it is not open.
    fn begin(&mut self) -> Result<(), Error> {
        if self.shared.is_none() {
            self.connection()?.control("BEGIN IMMEDIATE")?;
            self.shared = Some(Shared { members: Vec::new(), bytes: 0, since: Instant::now() });
        }
        Ok(())
    }

    fn join(&mut self, member: Member, bytes: usize) {
        if let Some(shared) = &mut self.shared {
            shared.members.push(member);
            shared.bytes += bytes;
        }
    }
}
