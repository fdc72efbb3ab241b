//! A worker's turn on a thread, with something else in the place of the store's event loop.

use super::{ComponentSpec, PollClock, Watch, poll_turn};
use crate::budget::SHORTEST_SLICE;
use crate::limits::Limits;
use crate::pool::tests::submit;
use crate::pool::{Dispatch, Slot, WorkerGuard};
use futures::task::{ArcWake, waker};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Instant;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl ArcWake for Wakes {
    fn wake_by_ref(wakes: &Arc<Self>) {
        wakes.0.fetch_add(1, Relaxed);
    }
}

struct Fixture {
    guard: WorkerGuard,
    clock: Arc<PollClock>,
    watch: Watch,
    wakes: Arc<Wakes>,
}

impl Fixture {
    fn new() -> Self {
        let spec = Arc::new(ComponentSpec::without_exports(Limits::some()));
        let (clock, watch) = (
            PollClock::new(Arc::clone(&spec.metrics), spec.limits.cpu),
            Watch::new(spec.limits.share().idle, spec.limits.timeout),
        );
        let guard = WorkerGuard::new(Dispatch::new(spec), Arc::<Slot>::default(), None);
        Self { guard, clock, watch, wakes: Arc::default() }
    }

    /// One turn, in which `work` is done wherever the store's event loop is polled.
    fn turn(&self, mut work: impl FnMut(&mut Context<'_>)) {
        let event_loop = pin!(poll_fn(|context| -> Poll<()> {
            work(context);
            Poll::Pending
        }));
        let waker = waker(Arc::clone(&self.wakes));
        let turn = poll_turn(event_loop, &self.guard, &self.clock, &self.watch, &mut Context::from_waker(&waker));
        assert!(turn.is_pending());
    }

    fn look_for_jobs(&self, context: &mut Context<'_>) {
        assert!(self.guard.dispatch().poll_job(self.guard.slot(), context).is_pending());
    }

    fn waits_for_jobs(&self) -> bool {
        self.guard.dispatch().has_waiting(self.guard.slot())
    }
}

fn compute() {
    let began = Instant::now();
    while began.elapsed() < SHORTEST_SLICE {
        std::hint::spin_loop();
    }
}

#[tokio::test]
async fn a_worker_that_held_its_thread_asks_to_be_polled_again() {
    let fixture = Fixture::new();
    fixture.turn(|context| {
        fixture.look_for_jobs(context);
        compute();
    });
    assert!(!fixture.waits_for_jobs(), "nobody gives a job to a worker that is busy");
    assert_eq!(fixture.wakes.0.load(Relaxed), 1, "and nothing else may ever wake it");
    fixture.turn(|context| fixture.look_for_jobs(context));
    assert!(fixture.waits_for_jobs(), "it has come to rest");
    assert_eq!(fixture.wakes.0.load(Relaxed), 1);
}

#[tokio::test]
async fn a_worker_whose_guest_holds_the_instance_hands_its_job_back() {
    let fixture = Fixture::new();
    fixture.turn(|context| fixture.look_for_jobs(context));
    let slot = fixture.guard.slot();
    let _answer = submit(fixture.guard.dispatch(), 1);
    assert!(slot.is_filled());
    // The event loop is polled, and stays in the call that its guest waits in.
    fixture.turn(|_context| {});
    assert!(!slot.is_filled());
    assert_eq!(fixture.guard.dispatch().queued(), 1, "for another");
}
