//! How long the host has waited for a client: now, and in all.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the first look at this clock; never 0, which stands for "not".
pub(crate) fn now() -> u64 {
    u64::try_from(BASE.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// One direction of one request. What a client keeps the host waiting for adds up, and what it moves takes from that: no
/// speed of before is a credit for a rest of later.
pub(crate) struct Wait {
    /// Bytes a second that are fast enough.
    rate: u64,
    /// Since when the client is awaited; 0: it is not.
    since: AtomicU64,
    /// Microseconds of the waits before that its bytes have not made up for.
    debt: AtomicU64,
}

impl Wait {
    pub fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), since: AtomicU64::new(0), debt: AtomicU64::new(0) }
    }

    pub fn begin(&self) {
        if self.since.load(Relaxed) == 0 {
            self.since.store(now(), Relaxed);
        }
    }

    pub fn end(&self) {
        let since = self.since.swap(0, Relaxed);
        if since != 0 {
            self.debt.fetch_add(now().saturating_sub(since).saturating_mul(1000), Relaxed);
        }
    }

    pub fn moved(&self, bytes: usize) {
        let earned = (bytes as u64).saturating_mul(1_000_000) / self.rate;
        // Both sides of a request are polled by one task at a time.
        self.debt.store(self.debt.load(Relaxed).saturating_sub(earned), Relaxed);
    }

    /// Of the wait that lasts, in milliseconds; 0 without one.
    pub fn lasts(&self, now: u64) -> u64 {
        match self.since.load(Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        }
    }

    /// Milliseconds that the client is behind.
    pub fn behind(&self, now: u64) -> u64 {
        (self.debt.load(Relaxed) / 1000).saturating_add(self.lasts(now))
    }

    /// It is further behind than a client may be.
    pub fn is_overdue(&self, now: u64, patience: Duration) -> bool {
        u128::from(self.behind(now)) > patience.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_make_up_for_waits_and_not_for_those_to_come() {
        let wait = Wait::new(1000);
        wait.moved(1_000_000);
        wait.begin();
        let later = now() + 900;
        assert!((900..1000).contains(&wait.behind(later)), "a megabyte before is no credit");
        assert!(
            wait.is_overdue(later + 200, Duration::from_secs(1)) && !wait.is_overdue(later, Duration::from_secs(1))
        );
        wait.debt.store(700_000, Relaxed);
        wait.end();
        wait.moved(500);
        assert!((200..300).contains(&wait.behind(now())), "{}", wait.behind(now()));
    }
}
