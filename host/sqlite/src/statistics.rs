//! Counters of one database, for metrics and tests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub commits: AtomicU64,
    pub commit_errors: AtomicU64,
    pub jobs: AtomicU64,
    pub largest_batch: AtomicU64,
    pub transactions: AtomicU64,
    pub lease_timeouts: AtomicU64,
    pub refused_busy: AtomicU64,
    pub inline_reads: AtomicU64,
    pub long_reads: AtomicU64,
    pub checkpoints: AtomicU64,
    pub failing: AtomicBool,
}

impl Counters {
    pub fn committed(&self, members: usize) {
        let members = members as u64;
        self.commits.fetch_add(1, Relaxed);
        self.jobs.fetch_add(members, Relaxed);
        self.largest_batch.fetch_max(members, Relaxed);
        self.failing.store(false, Relaxed);
    }

    pub fn commit_failed(&self) {
        self.commit_errors.fetch_add(1, Relaxed);
        self.failing.store(true, Relaxed);
    }

    pub fn snapshot(&self) -> Statistics {
        Statistics {
            commits: self.commits.load(Relaxed),
            commit_errors: self.commit_errors.load(Relaxed),
            jobs: self.jobs.load(Relaxed),
            largest_batch: self.largest_batch.load(Relaxed),
            transactions: self.transactions.load(Relaxed),
            lease_timeouts: self.lease_timeouts.load(Relaxed),
            refused_busy: self.refused_busy.load(Relaxed),
            inline_reads: self.inline_reads.load(Relaxed),
            long_reads: self.long_reads.load(Relaxed),
            checkpoints: self.checkpoints.load(Relaxed),
            failing: self.failing.load(Relaxed),
        }
    }
}

/// A reading of the counters since the database was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Commits that reached the disk.
    pub commits: u64,
    /// Commits that failed, with everything in them.
    pub commit_errors: u64,
    /// Writes and transactions in those commits; divided by `commits` it is the mean batch.
    pub jobs: u64,
    pub largest_batch: u64,
    /// Guest transactions that were given the writer.
    pub transactions: u64,
    /// Guest transactions that were rolled back because they idled or lasted too long.
    pub lease_timeouts: u64,
    /// Statements refused because too many waited.
    pub refused_busy: u64,
    /// Reads that ran on their caller's thread.
    pub inline_reads: u64,
    /// Reads that needed a thread of their own.
    pub long_reads: u64,
    pub checkpoints: u64,
    /// Whether the last commit failed: the database should not be called ready.
    pub failing: bool,
}
