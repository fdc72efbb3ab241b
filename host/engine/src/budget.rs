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

/// How often the epoch advances, and so how long a guest may hold a thread before it yields.
const TICK: Duration = Duration::from_millis(10);
/// The same while a guest computes without a pause: whoever asks its neighbours waits for some such slices of it.
const FINE_TICK: Duration = Duration::from_millis(1);
/// So many fine ticks after the last such guest the ticks are long again: the short ones cost everybody else.
const FINE_TICKS: u32 = 50;

/// A slice shorter than this is not a guest that holds the thread: it merely resumed after the epoch had moved on.
pub(crate) const SHORTEST_SLICE: Duration = Duration::from_millis(4);
/// The same while ticks are fine.
const SHORTEST_FINE_SLICE: Duration = Duration::from_micros(500);

/// A request has computed for [`SHORTEST_SLICE`] or more since the ticker last looked.
static HOLDS: AtomicBool = AtomicBool::new(false);
static IS_FINE: AtomicBool = AtomicBool::new(false);

/// After how long others are let run.
pub(crate) fn shortest_slice() -> Duration {
    if IS_FINE.load(Relaxed) { SHORTEST_FINE_SLICE } else { SHORTEST_SLICE }
}

/// How long it is to each tick of the epoch.
#[derive(Default)]
pub(crate) struct Ticks {
    fine: u32,
}

impl Ticks {
    pub fn until_next(&mut self) -> Duration {
        self.fine = if HOLDS.swap(false, Relaxed) { FINE_TICKS } else { self.fine.saturating_sub(1) };
        let is_fine = self.fine > 0;
        IS_FINE.store(is_fine, Relaxed);
        if is_fine { FINE_TICK } else { TICK }
    }
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
    if slice < shortest_slice() {
        return Ok(UpdateDeadline::Continue(1));
    }
    // The last of the stack is the call that the host made: the request.
    let request = store.async_call_stack().ok().and_then(Iterator::last);
    let spent = store.data_mut().meter.charge(request, slice);
    clock.metrics.computed(slice);
    if spent >= SHORTEST_SLICE {
        HOLDS.store(true, Relaxed);
    }
    if spent > budget {
        clock.metrics.reached(Limit::Cpu);
        return Err(wasmtime::format_err!("used its CPU budget of {} ms", budget.as_millis()));
    }
    clock.mark();
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}
