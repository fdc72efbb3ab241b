//! How long the host has waited for a client: now, and in all.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the first look at this clock; never 0, which stands for "not".
pub(crate) fn now() -> u64 {
    u64::try_from(BASE.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// One direction of one request.
#[derive(Default)]
pub(crate) struct Wait {
    /// Since when the client is awaited; 0: it is not.
    since: AtomicU64,
    /// Milliseconds of the waits before.
    before: AtomicU64,
    bytes: AtomicU64,
}

impl Wait {
    pub fn begin(&self) {
        if self.since.load(Relaxed) == 0 {
            self.since.store(now(), Relaxed);
        }
    }

    pub fn end(&self) {
        let since = self.since.swap(0, Relaxed);
        if since != 0 {
            self.before.fetch_add(now().saturating_sub(since), Relaxed);
        }
    }

    pub fn moved(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Of the wait that lasts; 0 without one.
    pub fn lasts(&self, now: u64) -> u64 {
        match self.since.load(Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        }
    }

    pub fn total(&self, now: u64) -> u64 {
        self.before.load(Relaxed).saturating_add(self.lasts(now))
    }
}
