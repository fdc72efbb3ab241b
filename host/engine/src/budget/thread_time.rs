//! The CPU time of the current thread, at the price of a look at the wall's clock.
//!
//! The kernel's clock of a thread costs 300 ns a reading, the wall's 25 ns. A piece of work that took no longer than
//! [`SHORT`] by the wall is taken at that: it can not have waited for more. For longer ones the difference of two readings
//! counts, of which the first is at most [`SHORT`] old when the work begins.

use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The error of a measurement, and how often a busy thread reads its clock.
const SHORT: Duration = Duration::from_micros(250);

thread_local! {
    static LAST: Cell<Option<Reading>> = const { Cell::new(None) };
}

/// What the thread's clock showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    at: Instant,
    cpu: Duration,
}

impl Reading {
    /// A reading for work that begins now on this thread.
    pub fn fresh(now: Instant) -> Self {
        LAST.get().filter(|last| now.saturating_duration_since(last.at) <= SHORT).unwrap_or_else(|| read(now))
    }
}

/// What this thread has computed of the work that began at `start`, with `reading`. The second is the reading to go on with.
pub(super) fn used(reading: Reading, start: Instant, now: Instant) -> (Duration, Reading) {
    let wall = now.saturating_duration_since(start);
    if wall <= SHORT {
        return (wall, Reading::fresh(now));
    }
    let end = read(now);
    (end.cpu.saturating_sub(reading.cpu).min(wall), end)
}

fn read(now: Instant) -> Reading {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    let reading = Reading { at: now, cpu: Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0)) };
    LAST.set(Some(reading));
    reading
}
