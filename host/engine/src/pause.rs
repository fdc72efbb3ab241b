//! A clock that stands still while the process does: after SIGSTOP and SIGCONT, or a machine that was suspended, what runs
//! has as long as it had before. By the wall's clock, all requests at once would be late, through no fault of theirs.
//!
//! The thread that ticks for guests ([`crate::engine`]) notes each tick. Where none came for long, the process did not run.

use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Without a tick for so long, which should come every 10 ms, the process did not run. A machine that is merely full never
/// keeps one thread waiting for so long.
const NOTICED: Duration = Duration::from_secs(1);

static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::default);

#[derive(Debug)]
struct Clock {
    base: Instant,
    /// When the last tick came, after `base`; 0 before the first.
    ticked_ns: AtomicU64,
    /// How long the process has not run, all in all.
    lost_ns: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { base: Instant::now(), ticked_ns: AtomicU64::new(0), lost_ns: AtomicU64::new(0) }
    }
}

impl Clock {
    fn tick(&self, now: Instant) {
        let now_ns = nanoseconds(now.saturating_duration_since(self.base)).max(1);
        let before_ns = self.ticked_ns.swap(now_ns, Relaxed);
        if before_ns != 0 {
            self.lost_ns.fetch_add(gap_ns(before_ns, now_ns), Relaxed);
        }
    }

    /// With a pause that is over, and in which no tick came yet.
    fn lost(&self, now: Instant) -> Duration {
        let ticked_ns = self.ticked_ns.load(Relaxed);
        let now_ns = nanoseconds(now.saturating_duration_since(self.base));
        let open_ns = if ticked_ns == 0 { 0 } else { gap_ns(ticked_ns, now_ns) };
        Duration::from_nanos(self.lost_ns.load(Relaxed) + open_ns)
    }

    fn now(&self, now: Instant) -> Instant {
        now.checked_sub(self.lost(now)).unwrap_or(now)
    }
}

fn gap_ns(before_ns: u64, now_ns: u64) -> u64 {
    let gap_ns = now_ns.saturating_sub(before_ns);
    if gap_ns > nanoseconds(NOTICED) { gap_ns } else { 0 }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn tick() {
    CLOCK.tick(Instant::now());
}

/// The moment by this clock. Deadlines are compared with it, and never with [`Instant::now`].
pub fn now() -> Instant {
    CLOCK.now(Instant::now())
}

/// The time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it took too long")]
pub struct Elapsed;

/// Waits for `future` until the deadline, which is one by this clock.
pub async fn timeout_at<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    loop {
        let left = deadline.saturating_duration_since(now());
        if let Ok(output) = tokio::time::timeout(left, future.as_mut()).await {
            return Ok(output);
        }
        if now() >= deadline {
            return Err(Elapsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOPPED: Duration = Duration::from_secs(30);

    #[test]
    fn it_stands_still_while_no_tick_comes() {
        let clock = Clock::default();
        let at = |ms: u64| clock.base + Duration::from_millis(ms);
        assert_eq!(clock.now(at(5000)), at(5000), "without a ticker it is the wall's");
        for ms in [10, 20, 900] {
            clock.tick(at(ms));
        }
        assert_eq!(clock.now(at(1800)), at(1800), "late ticks are no pause");
        let after = at(900) + STOPPED;
        assert_eq!(clock.now(after), at(900), "what looks before the ticker does sees it, too");
        clock.tick(after);
        assert_eq!(clock.now(after + Duration::from_millis(7)), at(907));
        clock.tick(after + Duration::from_millis(10));
        assert_eq!(clock.now(after + Duration::from_millis(10)), at(910));
    }

    #[tokio::test]
    async fn who_waits_in_vain_is_told() {
        let deadline = now();
        assert_eq!(timeout_at(deadline, std::future::pending::<()>()).await, Err(Elapsed));
        assert_eq!(timeout_at(deadline + STOPPED, async { 7 }).await, Ok(7));
    }
}
