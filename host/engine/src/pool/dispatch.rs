//! Who gets which job, and when another worker starts.
//!
//! As many workers are at work as there are threads to run them; more would only take turns, each with caches that the
//! others have emptied. What comes meanwhile waits in its lane: a worker takes the next job when it is done with one, or
//! when that waits for something. A worker that rests without taking what it could not take (its guest holds the
//! instance, or has all the jobs that it may have) leaves its thread to another: [`AtWork`] sees to that.

use super::guard::{AtWork, WorkerGuard};
use super::lanes::Shared;
use super::slot::{Slot, Ticket};
use crate::job::{CallError, Job};
use crate::pool::statistics::Statistics;
use crate::worker::{self, ComponentSpec};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tracing::warn;

pub(crate) struct Dispatch {
    pub(crate) spec: Arc<ComponentSpec>,
    pub(crate) statistics: Statistics,
    /// Bytes of linear memory of all instances.
    pub(crate) memory: Arc<AtomicUsize>,
    pub(super) shared: Mutex<Shared>,
    /// Woken when the last worker has gone.
    pub(super) empty: Notify,
    /// Workers that can be run at a time.
    threads: usize,
    /// Where they run: a job's place may be given back anywhere. `None`: where the first job comes from.
    runtime: Option<Handle>,
    /// The instances that are left end with what runs in them.
    ended: AtomicBool,
    began: Instant,
    /// The second in which it was last told that the queue is full.
    told_full: AtomicU64,
}

/// A job that a pool did not take.
pub(crate) enum Refusal {
    /// The pool was closed; another may have taken its place.
    Closed(Box<Job>),
    Because(CallError),
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        Self::Because(error)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dispatch {
    pub fn new(spec: Arc<ComponentSpec>) -> Arc<Self> {
        let threads = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
        Self::with_threads(spec, threads)
    }

    pub(super) fn with_threads(spec: Arc<ComponentSpec>, threads: usize) -> Arc<Self> {
        let runtime = Handle::try_current().ok();
        let shared = Shared::new(&spec.limits);
        Arc::new(Self {
            spec,
            statistics: Statistics::default(),
            memory: Arc::default(),
            shared: Mutex::new(shared),
            empty: Notify::new(),
            threads,
            runtime,
            ended: AtomicBool::new(false),
            began: Instant::now(),
            told_full: AtomicU64::new(0),
        })
    }

    /// Queues the job, and gives it to a worker where one can be run now.
    pub fn submit(self: &Arc<Self>, job: Job) -> Result<(), Refusal> {
        let depth = job.context.depth;
        let mut shared = lock(&self.shared);
        if shared.closed {
            return Err(Refusal::Closed(Box::new(job)));
        }
        let room = shared.room(depth);
        let lane = shared.lanes.get_mut(depth).ok_or(CallError::TooDeep)?;
        // What could run now waits for a worker only, not for a place.
        if lane.queue.len() >= self.spec.limits.queue.saturating_add(room) {
            drop(shared);
            self.tell_full();
            return Err(CallError::Overloaded.into());
        }
        lane.queue.push_back(job);
        self.employ(&mut shared);
        Ok(())
    }

    /// One line a second: one for each request would make it worse.
    fn tell_full(&self) {
        let second = self.began.elapsed().as_secs() + 1;
        if self.told_full.swap(second, Relaxed) != second {
            let (id, queue) = (&self.spec.id, self.spec.limits.queue);
            warn!(component = %id, "component `{id}` turns requests away: {queue} wait for its instances already");
        }
    }

    /// Gives what could run to workers that wait, or to new ones, as long as there are threads to run them.
    pub(super) fn employ(self: &Arc<Self>, shared: &mut Shared) {
        while shared.at_work < self.threads {
            let queued = shared.queued();
            if queued == 0 {
                return;
            }
            if shared.waiting.is_empty() {
                // Workers that are still starting will come for queued jobs.
                if shared.starting >= queued || !self.start_worker(shared, None) {
                    return;
                }
            } else if let Some((job, depth)) = shared.take()
                && let Some(slot) = shared.waiting.pop()
            {
                shared.begin(&slot);
                slot.deliver(job, self.ticket(depth));
            }
        }
    }

    /// The next job for the worker of `slot`; `None` when the pool is closed and nothing is left to do.
    pub fn poll_job(self: &Arc<Self>, slot: &Arc<Slot>, context: &mut Context<'_>) -> Poll<Option<(Job, Ticket)>> {
        slot.waker.register(context.waker());
        let mut shared = lock(&self.shared);
        if let Some(delivered) = slot.take() {
            return Poll::Ready(Some(delivered));
        }
        if let Some((job, depth)) = shared.take() {
            shared.waiting.retain(|waiting| !Arc::ptr_eq(waiting, slot));
            return Poll::Ready(Some((job, self.ticket(depth))));
        }
        if shared.closed {
            return Poll::Ready(None);
        }
        if !shared.waiting.iter().any(|waiting| Arc::ptr_eq(waiting, slot)) {
            shared.waiting.push(Arc::clone(slot));
        }
        Poll::Pending
    }

    /// Takes the worker of `slot` off the waiting stack. A job that was delivered meanwhile must be done all the same.
    pub fn withdraw(&self, slot: &Arc<Slot>) -> Option<(Job, Ticket)> {
        lock(&self.shared).waiting.retain(|waiting| !Arc::ptr_eq(waiting, slot));
        slot.take()
    }

    #[cfg(test)]
    pub fn has_waiting(&self, slot: &Arc<Slot>) -> bool {
        lock(&self.shared).waiting.iter().any(|waiting| Arc::ptr_eq(waiting, slot))
    }

    /// A busy worker cannot start the job that was delivered to it: another shall.
    pub fn give_back(self: &Arc<Self>, slot: &Arc<Slot>) {
        if let Some((job, ticket)) = self.withdraw(slot) {
            drop(ticket);
            self.requeue(job);
        }
    }

    /// Puts a job that has not started back at the head of its lane.
    pub fn requeue(self: &Arc<Self>, job: Job) {
        let mut shared = lock(&self.shared);
        if let Some(lane) = shared.lanes.get_mut(job.context.depth) {
            lane.queue.push_front(job);
        }
        self.employ(&mut shared);
    }

    fn ticket(self: &Arc<Self>, depth: usize) -> Ticket {
        Ticket { dispatch: Arc::clone(self), depth }
    }

    /// A lane that was full may have a job for a worker that waits.
    pub(super) fn finished(self: &Arc<Self>, depth: usize) {
        let mut shared = lock(&self.shared);
        if let Some(lane) = shared.lanes.get_mut(depth) {
            lane.running = lane.running.saturating_sub(1);
        }
        self.employ(&mut shared);
    }

    /// A thread runs the worker of `slot` now, until what is returned is dropped.
    pub(super) fn at_work(self: &Arc<Self>, slot: &Arc<Slot>) -> AtWork {
        lock(&self.shared).begin(slot);
        AtWork { dispatch: Arc::clone(self), slot: Arc::clone(slot) }
    }

    /// False when there may be no more. `told`: the first worker's start, for who waits for it.
    fn start_worker(self: &Arc<Self>, shared: &mut Shared, told: Option<Started>) -> bool {
        let nested = shared.lanes.iter().skip(self.spec.least_depth() + 1).any(|lane| !lane.queue.is_empty());
        let limits = &self.spec.limits;
        let limit = if nested { limits.instances_with_reserve() } else { limits.instances };
        if shared.workers >= limit {
            return false;
        }
        let Some(runtime) = self.runtime.clone().or_else(|| Handle::try_current().ok()) else { return false };
        let (dispatch, slot) = (Arc::clone(self), Arc::<Slot>::default());
        shared.workers += 1;
        shared.starting += 1;
        shared.begin(&slot);
        runtime.spawn(async move {
            // The guard is made inside: a runtime that is shutting down drops the task here, under the lock that a guard's
            // drop takes.
            let guard = WorkerGuard::new(Arc::clone(&dispatch), Arc::clone(&slot), told);
            let mut work = pin!(worker::run(guard));
            poll_fn(|context| {
                let _at_work = dispatch.at_work(&slot);
                work.as_mut().poll(context)
            })
            .await;
        });
        true
    }

    /// Starts an instance before anybody asks for it, and waits until it is up.
    pub async fn start_one(self: &Arc<Self>) -> Result<(), String> {
        let (told, started) = oneshot::channel();
        if !self.start_worker(&mut lock(&self.shared), Some(told)) {
            return Ok(());
        }
        started.await.unwrap_or_else(|_| Err("it went away while it started".to_owned()))
    }

    /// Answers everything that waits: no instance can be started.
    pub fn refuse_queued(&self, error: &CallError) {
        let jobs: Vec<Job> = lock(&self.shared).lanes.iter_mut().flat_map(|lane| lane.queue.drain(..)).collect();
        for job in jobs {
            job.refuse(error.clone());
        }
    }

    pub fn close(&self) {
        let waiting = {
            let mut shared = lock(&self.shared);
            shared.closed = true;
            std::mem::take(&mut shared.waiting)
        };
        for slot in waiting {
            slot.waker.wake();
        }
        self.empty.notify_waiters();
    }

    /// The instances end at their next look at the clock, whatever runs in them.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
        self.refuse_queued(&CallError::Stopped);
    }

    pub fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    pub async fn drained(&self) {
        loop {
            let empty = self.empty.notified();
            if self.instances() == 0 {
                return;
            }
            empty.await;
        }
    }

    pub fn instances(&self) -> usize {
        lock(&self.shared).workers
    }

    pub fn queued(&self) -> usize {
        lock(&self.shared).lanes.iter().map(|lane| lane.queue.len()).sum()
    }

    /// Requests from outside that no number of threads could run now.
    pub fn waiting_for_a_place(&self) -> usize {
        let shared = lock(&self.shared);
        let queued = shared.lanes.first().map_or(0, |lane| lane.queue.len());
        queued.saturating_sub(shared.room(0))
    }

    pub fn running(&self) -> usize {
        lock(&self.shared).lanes.iter().map(|lane| lane.running).sum()
    }
}

/// Where it is told that an instance is up, or why there is none.
pub(super) type Started = oneshot::Sender<Result<(), String>>;
