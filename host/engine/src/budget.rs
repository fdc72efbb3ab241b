//! The CPU budget of a request: a guest that computes yields every tick, and is stopped when it has had enough.
//!
//! What counts is the time of the thread, not the wall's ([`thread_time`]), and it counts for the task that used it
//! ([`meter`]): a request, a typed call, an event. Waiting, neighbours and earlier requests cost it nothing.

mod meter;
mod thread_time;

use crate::state::State;
use kobliat_telemetry::{Limit, PoolMetrics};
use meter::Meter;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// A task has used its budget; its instance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("used its CPU budget of {} ms", .budget.as_millis())]
pub(crate) struct OverBudget {
    /// `None`: the start of the instance.
    pub task: Option<GuestTaskId>,
    budget: Duration,
}

/// The clock of one instance: how long its event loop has held the thread, and what each task has used.
pub struct PollClock {
    base: Instant,
    started_ns: AtomicU64,
    /// Of the last poll.
    took_ns: AtomicU64,
    meter: Mutex<Meter<Option<GuestTaskId>>>,
    budget: Duration,
    metrics: Arc<PoolMetrics>,
}

impl PollClock {
    pub fn new(metrics: Arc<PoolMetrics>, budget: Duration) -> Arc<Self> {
        let meter = Mutex::new(Meter::alone(None));
        let [started_ns, took_ns] = [AtomicU64::new(0), AtomicU64::new(0)];
        Arc::new(Self { base: Instant::now(), started_ns, took_ns, meter, budget, metrics })
    }

    fn meter(&self) -> MutexGuard<'_, Meter<Option<GuestTaskId>>> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, now: Instant) {
        self.started_ns.store(self.since_base(now), Relaxed);
    }

    fn elapsed(&self, now: Instant) -> Duration {
        Duration::from_nanos(self.since_base(now).saturating_sub(self.started_ns.load(Relaxed)))
    }

    fn since_base(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.base).as_nanos() as u64
    }

    /// What the last poll took of the wall's time, since its last yield.
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.took_ns.load(Relaxed))
    }

    /// Polls `future` with the clock set to the start of the poll.
    pub fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
        let start = Instant::now();
        self.mark(start);
        self.meter().poll_begins(start);
        let polled = future.poll(context);
        let end = Instant::now();
        self.took_ns.store(self.elapsed(end).as_nanos() as u64, Relaxed);
        let used = self.meter().poll_ends(end);
        self.metrics.computed(used);
        polled
    }

    /// The task that the host has just started. Its id may have been another's before.
    pub(crate) fn task_begins(&self, task: GuestTaskId) {
        self.meter().begin(Some(task), Instant::now());
    }

    /// Whether all that is done from now on is done for the task that begins next.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.meter().set_alone(alone, Instant::now());
    }

    /// The event loop has handled what it had, and comes to its next piece of work, which may be another task's. True when only
    /// the next tick can say whose.
    pub(crate) fn next_work(&self) -> bool {
        let mut meter = self.meter();
        !meter.is_alone() && {
            meter.next_work(Instant::now());
            true
        }
    }

    /// The task that has used more than its budget, where there is one.
    pub(crate) fn over_budget(&self) -> Option<OverBudget> {
        let task = self.meter().above(self.budget)?;
        self.metrics.reached(Limit::Cpu);
        Some(OverBudget { task, budget: self.budget })
    }
}

/// Makes the store yield at every tick and trap when one request (or start-up) has used its budget.
pub(crate) fn install(store: &mut Store<State>, clock: Arc<PollClock>) {
    store.data_mut().clock = Some(Arc::clone(&clock));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| on_tick(store, &clock));
}

fn on_tick(mut store: StoreContextMut<'_, State>, clock: &PollClock) -> wasmtime::Result<UpdateDeadline> {
    if let Some(exhausted) = store.data().exhausted() {
        return Err(exhausted.into());
    }
    let now = Instant::now();
    // The last of the stack is the call that the host made: the request.
    let request = store.async_call_stack().ok().and_then(Iterator::last);
    clock.meter().runs(request, now);
    if clock.elapsed(now) < shortest_slice() {
        return Ok(UpdateDeadline::Continue(1));
    }
    let used = clock.meter().charge(now);
    clock.metrics.computed(used);
    if clock.meter().spent(request) >= SHORTEST_SLICE {
        HOLDS.store(true, Relaxed);
    }
    if let Some(over) = clock.over_budget() {
        return Err(over.into());
    }
    clock.mark(now);
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}

#[cfg(test)]
mod tests;
