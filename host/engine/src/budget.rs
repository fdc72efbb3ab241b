//! The CPU budget of a request: a guest that computes yields every tick, and is stopped when it has had enough.

use crate::state::State;
use kobliat_telemetry::{Limit, PoolMetrics};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

/// How often the epoch advances, and so how long a guest may hold a thread before it yields: whoever asks a neighbour waits for
/// some such slices of each guest that computes.
const TICK: Duration = Duration::from_millis(1);
/// The same while no guest runs, so that an idle host sleeps.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// A slice shorter than this is not a guest that holds the thread: it merely resumed after the epoch had moved on.
pub(crate) const SHORTEST_SLICE: Duration = Duration::from_micros(500);

/// Guests have run since the ticker last looked.
static RAN: AtomicBool = AtomicBool::new(false);

/// How long the ticker sleeps before the epoch advances again.
pub(crate) fn until_next_tick() -> Duration {
    if RAN.swap(false, Relaxed) { TICK } else { IDLE_TICK }
}

/// Says how long the store's event loop has been running without returning to the scheduler.
pub struct PollClock {
    base: Instant,
    started_ns: AtomicU64,
    /// Of the last poll.
    took_ns: AtomicU64,
    metrics: Arc<PoolMetrics>,
}

impl PollClock {
    pub fn new(metrics: Arc<PoolMetrics>) -> Arc<Self> {
        Arc::new(Self { base: Instant::now(), started_ns: AtomicU64::new(0), took_ns: AtomicU64::new(0), metrics })
    }

    fn mark(&self) {
        self.started_ns.store(self.now_ns(), Relaxed);
        RAN.store(true, Relaxed);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now_ns().saturating_sub(self.started_ns.load(Relaxed)))
    }

    fn now_ns(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }

    /// What the last poll took, since its last yield.
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.took_ns.load(Relaxed))
    }

    /// Polls `future` with the clock set to the start of the poll.
    pub fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.mark();
        let polled = future.poll(context);
        let took = self.elapsed();
        self.took_ns.store(took.as_nanos() as u64, Relaxed);
        self.metrics.computed(took);
        polled
    }
}

/// The CPU time that long slices have cost, by request.
#[derive(Default)]
pub(crate) struct CpuMeter {
    by_task: HashMap<Option<GuestTaskId>, Duration>,
}

/// The most tasks whose time is remembered at once; only tasks that held a thread are in the map.
const METERED_TASKS: usize = 256;

impl CpuMeter {
    fn charge(&mut self, task: Option<GuestTaskId>, slice: Duration) -> Duration {
        if self.by_task.len() >= METERED_TASKS {
            self.by_task.clear();
        }
        let spent = self.by_task.entry(task).or_default();
        *spent += slice;
        *spent
    }
}

/// Makes the store yield at every tick and trap when one request (or start-up) has used `budget`.
pub(crate) fn install(store: &mut Store<State>, budget: Duration, clock: Arc<PollClock>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| on_tick(store, budget, &clock));
}

fn on_tick(
    mut store: StoreContextMut<'_, State>,
    budget: Duration,
    clock: &PollClock,
) -> wasmtime::Result<UpdateDeadline> {
    let slice = clock.elapsed();
    if slice < SHORTEST_SLICE {
        return Ok(UpdateDeadline::Continue(1));
    }
    // The last of the stack is the call that the host made: the request.
    let request = store.async_call_stack().ok().and_then(Iterator::last);
    let spent = store.data_mut().meter.charge(request, slice);
    clock.metrics.computed(slice);
    if spent > budget {
        clock.metrics.reached(Limit::Cpu);
        return Err(wasmtime::format_err!("used its CPU budget of {} ms", budget.as_millis()));
    }
    clock.mark();
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}
