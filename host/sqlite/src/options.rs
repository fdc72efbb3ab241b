//! The bounds within which one database works. The defaults suit a service's database on a small machine.

use std::time::Duration;

/// Every number here has a reason; change one only with a better reason.
#[derive(Debug, Clone)]
pub struct Options {
    /// Jobs that may wait for the writer; one more is refused with `Busy`. About a second of writes.
    pub max_queued_jobs: usize,
    /// Jobs that share one commit. Above 128 the latency grows faster than the throughput.
    pub max_batch_jobs: usize,
    /// Parameter bytes that share one commit: 1 MiB keeps the fsync short.
    pub max_batch_bytes: usize,
    /// After this time the shared commit is made before another transaction may join it.
    pub max_batch_age: Duration,
    /// The longest that a commit waits for writes to share it with; `writer/company.rs` says when
    /// it does. Short beside what a request takes that is one of so many; long beside the 0.1 ms of a commit on a fast disk.
    pub company_wait: Duration,
    /// Length of one statement's text: 1 MiB.
    pub max_statement_bytes: usize,
    /// Parameters of one statement: SQLite's own limit.
    pub max_parameters: usize,
    /// Sum of one statement's parameters: 64 MiB.
    pub max_parameter_bytes: usize,
    /// Sum of one result's rows: 64 MiB. A session may have less.
    pub max_result_bytes: usize,
    /// Memory of one statement while it runs, beside its parameters and the page cache: 96 MiB are one value of the largest
    /// size and what surrounds it. A session may have less.
    pub max_statement_memory: usize,
    /// What one statement may write into temporary files, for sorts and intermediate results: 1 GiB.
    pub max_temporary_bytes: u64,
    /// Parameters of all statements that wait for the writer together: 256 MiB.
    pub max_queued_bytes: usize,
    /// A transaction without a statement for so long is rolled back, because everyone waits for it.
    pub lease_idle: Duration,
    /// A transaction longer than this is rolled back, however busy it is.
    pub lease_max: Duration,
    /// A read runs on the caller's thread for so long, then starts again on a thread of its own.
    pub inline_budget: Duration,
    /// Longest read.
    pub read_time_limit: Duration,
    /// Longest write; shorter than a read's, because everyone waits for it.
    pub write_time_limit: Duration,
    /// Long reads at a time.
    pub long_reads: usize,
    /// How long the writer spins for a transaction's next statement before it sleeps. Zero: measured on 2 cores, a spin of
    /// 20 µs doubled the CPU of a transaction and halved the throughput of 64 sessions, because it takes a core from the
    /// guest that is to send the statement. With cores to spare it saves a transaction about a quarter of its latency.
    pub lease_spin: Duration,
    /// SQLite's name of the VFS that the files are opened with; its own without one. Tests lose a disk's power by it.
    pub vfs: Option<String>,
    /// How large the database may grow; a write beyond it fails with `Full`. None: as large as the disk.
    pub max_database_bytes: Option<u64>,
    /// What the writer keeps of the file in memory.
    pub cache_bytes: usize,
    /// The write-ahead log is copied into the database file beyond this size, beside the writer: 16 MiB.
    pub checkpoint_bytes: u64,
    /// The write-ahead log is emptied beyond this size, while the writes wait: 64 MiB.
    pub truncate_bytes: u64,
    /// The write-ahead log is copied when no write came for so long; and, however large it is, not more often.
    pub checkpoint_idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_queued_jobs: 4096,
            max_batch_jobs: 128,
            max_batch_bytes: 1 << 20,
            max_batch_age: Duration::from_millis(5),
            company_wait: Duration::from_millis(2),
            max_statement_bytes: 1 << 20,
            max_parameters: 32_766,
            max_parameter_bytes: 64 << 20,
            max_result_bytes: 64 << 20,
            max_statement_memory: 96 << 20,
            max_temporary_bytes: 1 << 30,
            max_queued_bytes: 256 << 20,
            lease_idle: Duration::from_secs(1),
            lease_max: Duration::from_secs(10),
            inline_budget: Duration::from_millis(1),
            read_time_limit: Duration::from_secs(30),
            write_time_limit: Duration::from_secs(10),
            long_reads: 4,
            lease_spin: Duration::ZERO,
            vfs: None,
            max_database_bytes: None,
            cache_bytes: 64 << 20,
            checkpoint_bytes: 16 << 20,
            truncate_bytes: 64 << 20,
            checkpoint_idle: Duration::from_secs(1),
        }
    }
}
