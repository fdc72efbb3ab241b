//! What is read when somebody asks, instead of being counted on the way: how full pools are, what databases did.

use crate::pool::Kind;

/// Everything that is read at a scrape.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub pools: Vec<PoolReading>,
    pub databases: Vec<DatabaseReading>,
    pub subscriptions: Vec<SubscriptionReading>,
    /// Types of events, and how many of each were published since the host started.
    pub published: Vec<(String, u64)>,
}

/// One subscription to events.
#[derive(Clone, Debug)]
pub struct SubscriptionReading {
    pub subscription: String,
    pub pending: u64,
    pub oldest_seconds: f64,
    pub dead_letters: u64,
    /// Since the host started.
    pub delivered: u64,
    pub retried: u64,
    pub dead_lettered: u64,
}

/// One pool of instances, now.
#[derive(Clone, Debug)]
pub struct PoolReading {
    pub component: String,
    pub kind: Kind,
    pub instances: usize,
    pub running: usize,
    pub queued: usize,
    pub memory_bytes: u64,
    /// Which version of the component it runs: the beginning of its digest.
    pub version: String,
    /// Requests and calls since this pool was made, and those that failed.
    pub requests: u64,
    pub errors: u64,
}

/// One database, since it was opened.
#[derive(Clone, Debug)]
pub struct DatabaseReading {
    pub database: String,
    pub commits: u64,
    pub commit_errors: u64,
    /// Writes and transactions in those commits.
    pub jobs: u64,
    pub largest_batch: u64,
    pub refused_busy: u64,
    pub checkpoints: u64,
}
