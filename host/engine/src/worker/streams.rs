//! The bodies of answers on their way out. Each counts as work of its instance until its end, of which nobody must wake the
//! worker, unless it waits for that: most bodies end in the moment in which they are taken.

use crate::pause;
use crate::pool::Ticket;
use futures::task::AtomicWaker;
use kobliat_telemetry::Span;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// All of one instance.
pub(super) struct Streams {
    open: Mutex<Open>,
    /// Set while the worker waits for one to end.
    waker: AtomicWaker,
}

struct Open {
    bodies: Vec<Streaming>,
    /// When the last one ended.
    quiet_since: Instant,
}

/// A body, and what its job holds until its end.
struct Streaming {
    progress: Arc<Progress>,
    span: Span,
    _ticket: Ticket,
}

/// How far a body has come.
struct Progress {
    base: Instant,
    /// Milliseconds after `base` at which something of it was last taken.
    last_ms: AtomicU64,
}

impl Streams {
    pub fn new() -> Arc<Self> {
        let open = Open { bodies: Vec::new(), quiet_since: pause::now() };
        Arc::new(Self { open: Mutex::new(open), waker: AtomicWaker::new() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on only the body of a job's answer is on its way.
    pub fn begin(self: &Arc<Self>, span: Span, ticket: Ticket) -> Stream {
        let progress = Arc::new(Progress { base: pause::now(), last_ms: AtomicU64::new(0) });
        self.open().bodies.push(Streaming { progress: Arc::clone(&progress), span, _ticket: ticket });
        Stream { streams: Arc::clone(self), progress }
    }

    pub fn len(&self) -> usize {
        self.open().bodies.len()
    }

    /// As [`Streams::len`]; the task is woken when there is one less.
    pub fn poll_len(&self, context: &mut Context<'_>) -> usize {
        self.waker.register(context.waker());
        self.len()
    }

    /// Waits until there is none.
    pub async fn ended(&self) {
        poll_fn(|context| if self.poll_len(context) == 0 { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// How many there are, and how many of them neither side has moved for so long.
    pub fn stalled(&self, now: Instant, limit: Duration) -> (usize, usize) {
        let open = self.open();
        let stalled = open.bodies.iter().filter(|body| body.progress.is_stalled(now, limit)).count();
        (open.bodies.len(), stalled)
    }

    pub fn quiet_since(&self) -> Instant {
        self.open().quiet_since
    }

    fn end(&self, progress: &Arc<Progress>) {
        let mut open = self.open();
        let position = open.bodies.iter().position(|body| Arc::ptr_eq(&body.progress, progress));
        let Some(mut ended) = position.map(|position| open.bodies.swap_remove(position)) else { return };
        open.quiet_since = pause::now();
        drop(open);
        ended.span.succeed();
        drop(ended);
        self.waker.wake();
    }

    /// The instance has gone: what its bodies held is free, whether or not somebody still takes what is left of them.
    pub fn release(&self) {
        let bodies = std::mem::take(&mut self.open().bodies);
        drop(bodies);
    }
}

impl Progress {
    fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        let last = self.base + Duration::from_millis(self.last_ms.load(Relaxed));
        now.saturating_duration_since(last) > limit
    }
}

/// One body's part in it, until it is dropped.
pub(super) struct Stream {
    streams: Arc<Streams>,
    progress: Arc<Progress>,
}

impl Stream {
    /// Something of it was taken.
    pub fn advance(&self) {
        let since =
            u64::try_from(pause::now().saturating_duration_since(self.progress.base).as_millis()).unwrap_or(u64::MAX);
        self.progress.last_ms.store(since, Relaxed);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.end(&self.progress);
    }
}
