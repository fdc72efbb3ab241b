//! What is decided outside the event loop, because a guest may block that loop: deadlines, idleness, wearing out.

use super::Deadline;
use super::streams::Streams;
use crate::pause;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// How often a worker looks at its clocks.
const INTERVAL: Duration = Duration::from_millis(250);

/// What work after earlier answers may still take in an instance where a guest works for nobody: its place is wanted.
const ABANDONED: Duration = Duration::from_millis(100);

/// What a job may still use after its deadline before it counts as stuck: its caller has gone by then.
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct Watch {
    idle: Duration,
    linger: Duration,
    /// All running jobs wait for something, so that another one may start.
    settled: AtomicBool,
    /// No further job is taken.
    retired: AtomicBool,
    clocks: Mutex<Clocks>,
    /// The answers that are on their way. They have no deadline, as long as they move.
    streams: Arc<Streams>,
}

struct Clocks {
    /// The deadlines of the running jobs.
    running: Vec<Deadline>,
    abandoned: bool,
    /// Since when no job runs. By the clock of [`pause`], as the deadlines.
    quiet_since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    /// `idle`: how long this instance is kept unused; `linger`: how long work may go on that nobody waits for.
    pub fn new(idle: Duration, linger: Duration) -> Self {
        let clocks = Clocks {
            running: Vec::new(),
            abandoned: false,
            quiet_since: pause::now(),
            timer: Box::pin(tokio::time::sleep(INTERVAL)),
        };
        Self {
            idle,
            linger,
            settled: AtomicBool::new(true),
            retired: AtomicBool::new(false),
            clocks: Mutex::new(clocks),
            streams: Streams::new(),
        }
    }

    fn clocks(&self) -> MutexGuard<'_, Clocks> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn started(&self, deadline: Deadline) {
        self.settled.store(false, Relaxed);
        self.clocks().running.push(deadline);
    }

    pub fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    pub fn finished(&self, deadline: Deadline) {
        let mut clocks = self.clocks();
        clocks.forget(deadline);
        clocks.quiet_since = pause::now();
    }

    pub fn is_settled(&self) -> bool {
        self.settled.load(Relaxed)
    }

    /// Notes that the event loop has come to rest; true when it had not been at rest before.
    pub fn settle(&self) -> bool {
        !self.settled.swap(true, Relaxed)
    }

    fn retire(&self) {
        self.retired.store(true, Relaxed);
    }

    /// A job is left behind in the guest: the instance ends soon after the others in it.
    pub fn abandoned(&self) {
        self.retire();
        let mut clocks = self.clocks();
        clocks.abandoned = true;
        clocks.timer.as_mut().reset((Instant::now() + ABANDONED).into());
    }

    /// Nothing is left but work that nobody waits for.
    pub fn is_abandoned(&self) -> bool {
        let clocks = self.clocks();
        clocks.abandoned && clocks.running.is_empty() && self.streams.len() == 0
    }

    pub fn is_retired(&self) -> bool {
        self.retired.load(Relaxed)
    }

    /// Ready when the instance must end now, with whatever still runs in it.
    ///
    /// A job past its deadline retires the instance at once, so that the others in it can finish, but ends it only when
    /// no job within its deadline is left. `ended`: its pool waits for nothing any more.
    pub fn poll(&self, context: &mut Context<'_>, ended: bool) -> Poll<()> {
        let mut clocks = self.clocks();
        while clocks.timer.as_mut().poll(context).is_ready() {
            let now = pause::now();
            if ended || self.must_end(&clocks, now) {
                return Poll::Ready(());
            }
            let next = if clocks.abandoned { ABANDONED } else { INTERVAL };
            clocks.timer.as_mut().reset((Instant::now() + next).into());
            // The event loop reads `retired` when it is polled.
            if self.is_retired() {
                context.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    fn must_end(&self, clocks: &Clocks, now: Instant) -> bool {
        let overdue = clocks.running.iter().filter(|&&deadline| now > deadline + GRACE).count();
        let (streaming, stalled) = self.streams.stalled(now, self.linger + GRACE);
        if clocks.running.is_empty() && streaming == 0 {
            let quiet = now.saturating_duration_since(clocks.quiet_since.max(self.streams.quiet_since()));
            if clocks.abandoned {
                return quiet >= ABANDONED;
            }
            if quiet > self.idle {
                self.retire();
            }
            return quiet > self.idle + self.linger;
        }
        if overdue + stalled > 0 {
            self.retire();
        }
        overdue + stalled == clocks.running.len() + streaming
    }
}

/// The instance has gone.
impl Drop for Watch {
    fn drop(&mut self) {
        self.streams.release();
    }
}

impl Clocks {
    fn forget(&mut self, deadline: Deadline) {
        if let Some(position) = self.running.iter().position(|&running| running == deadline) {
            self.running.swap_remove(position);
        }
    }
}
