//! Who gets which job: lanes of waiting jobs, a stack of workers that can take one, and when to start another.

use crate::context::MAX_DEPTH;
use crate::job::{CallError, Job};
use crate::pool::guard::WorkerGuard;
use crate::pool::statistics::Statistics;
use crate::worker::{self, ComponentSpec};
use futures::task::AtomicWaker;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::Notify;
use tracing::warn;

pub(crate) struct Dispatch {
    pub(crate) spec: Arc<ComponentSpec>,
    pub(crate) statistics: Statistics,
    /// Bytes of linear memory of all instances.
    pub(crate) memory: Arc<AtomicUsize>,
    pub(super) shared: Mutex<Shared>,
    /// Woken when the last worker has gone.
    pub(super) empty: Notify,
    /// The instances that are left end with what runs in them.
    ended: AtomicBool,
    began: Instant,
    /// The second in which it was last told that the queue is full.
    told_full: AtomicU64,
}

pub(super) struct Shared {
    lanes: [Lane; MAX_DEPTH + 1],
    /// Workers that can take a job now, the most recently busy last: the others may become idle and go.
    pub(super) waiting: Vec<Arc<Slot>>,
    pub(super) workers: usize,
    /// Workers that have started and not yet asked for a job.
    pub(super) starting: usize,
    closed: bool,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Job>,
    running: usize,
    /// Jobs of this lane and those above it together that may run at once. More than the lane above has: the calls that a
    /// job waits for are deeper than itself, so the deepest jobs always find a place, finish, and leave theirs.
    limit: usize,
}

/// Where a waiting worker receives its next job.
#[derive(Default)]
pub(crate) struct Slot {
    delivered: Mutex<Option<(Job, Ticket)>>,
    waker: AtomicWaker,
}

/// A running job's place in its lane, given back when dropped, whatever became of the job.
pub(crate) struct Ticket {
    dispatch: Arc<Dispatch>,
    depth: usize,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.dispatch.finished(self.depth);
    }
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
        let limits = &spec.limits;
        let lanes =
            std::array::from_fn(|depth| Lane { limit: limits.outside() + limits.reserve() * depth, ..Lane::default() });
        let shared = Shared { lanes, waiting: Vec::new(), workers: 0, starting: 0, closed: false };
        Arc::new(Self {
            spec,
            statistics: Statistics::default(),
            memory: Arc::default(),
            shared: Mutex::new(shared),
            empty: Notify::new(),
            ended: AtomicBool::new(false),
            began: Instant::now(),
            told_full: AtomicU64::new(0),
        })
    }

    /// Gives the job to a waiting worker, or queues it and starts a worker where one more is allowed.
    pub fn submit(self: &Arc<Self>, job: Job) -> Result<(), Refusal> {
        let depth = job.context.depth;
        let mut shared = lock(&self.shared);
        if shared.closed {
            return Err(Refusal::Closed(Box::new(job)));
        }
        let first = shared.lanes.get(depth).ok_or(CallError::TooDeep)?.queue.is_empty();
        let room = shared.room(depth);
        if room > 0
            && first
            && let Some(slot) = shared.waiting.pop()
        {
            let ticket = self.ticket(&mut shared, depth);
            slot.deliver(job, ticket);
            return Ok(());
        }
        let lane = shared.lanes.get_mut(depth).ok_or(CallError::TooDeep)?;
        // What could run now waits for a worker only, not for a place.
        if lane.queue.len() >= self.spec.limits.queue.saturating_add(room) {
            drop(shared);
            self.tell_full();
            return Err(CallError::Overloaded.into());
        }
        lane.queue.push_back(job);
        // Workers that are still starting will come for queued jobs.
        if room > 0 && shared.starting < shared.queued() {
            self.start_worker(&mut shared);
        }
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

    /// The next job for the worker of `slot`; `None` when the pool is closed and nothing is left to do.
    pub fn poll_job(self: &Arc<Self>, slot: &Arc<Slot>, context: &mut Context<'_>) -> Poll<Option<(Job, Ticket)>> {
        slot.waker.register(context.waker());
        let mut shared = lock(&self.shared);
        if let Some(delivered) = lock(&slot.delivered).take() {
            return Poll::Ready(Some(delivered));
        }
        if let Some(next) = self.next_queued(&mut shared) {
            shared.waiting.retain(|waiting| !Arc::ptr_eq(waiting, slot));
            return Poll::Ready(Some(next));
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
        lock(&slot.delivered).take()
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
        let next = if shared.waiting.is_empty() { None } else { self.next_queued(&mut shared) };
        match next {
            Some((job, ticket)) => {
                if let Some(slot) = shared.waiting.pop() {
                    slot.deliver(job, ticket);
                }
            }
            None => self.start_worker(&mut shared),
        }
    }

    /// The deepest job first: it is what others wait for.
    fn next_queued(self: &Arc<Self>, shared: &mut Shared) -> Option<(Job, Ticket)> {
        let depth = (0..=MAX_DEPTH).rev().find(|&depth| {
            shared.lanes.get(depth).is_some_and(|lane| !lane.queue.is_empty()) && shared.room(depth) > 0
        })?;
        let job = shared.lanes.get_mut(depth)?.queue.pop_front()?;
        Some((job, self.ticket(shared, depth)))
    }

    fn ticket(self: &Arc<Self>, shared: &mut Shared, depth: usize) -> Ticket {
        if let Some(lane) = shared.lanes.get_mut(depth) {
            lane.running += 1;
        }
        Ticket { dispatch: Arc::clone(self), depth }
    }

    fn finished(self: &Arc<Self>, depth: usize) {
        let mut shared = lock(&self.shared);
        if let Some(lane) = shared.lanes.get_mut(depth) {
            lane.running = lane.running.saturating_sub(1);
        }
        if shared.waiting.is_empty() {
            return;
        }
        // A lane that was full may have a job for a worker that waits.
        let Some((job, ticket)) = self.next_queued(&mut shared) else { return };
        if let Some(slot) = shared.waiting.pop() {
            slot.deliver(job, ticket);
        }
    }

    pub(super) fn start_worker(self: &Arc<Self>, shared: &mut Shared) {
        let nested = shared.lanes.iter().skip(self.spec.least_depth() + 1).any(|lane| !lane.queue.is_empty());
        let limits = &self.spec.limits;
        let limit = if nested { limits.instances_with_reserve() } else { limits.instances };
        if shared.workers < limit {
            shared.workers += 1;
            shared.starting += 1;
            let dispatch = Arc::clone(self);
            // The guard is made inside: a runtime that is shutting down drops the task here, under the lock that a guard's
            // drop takes.
            tokio::spawn(async move { worker::run(WorkerGuard { dispatch, starting: true }).await });
        }
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

    pub fn running(&self) -> usize {
        lock(&self.shared).lanes.iter().map(|lane| lane.running).sum()
    }
}

impl Shared {
    /// How many more jobs of this depth may run now, as far as lanes decide it.
    fn room(&self, depth: usize) -> usize {
        let mut running = 0;
        let mut room = usize::MAX;
        for (lane, other) in self.lanes.iter().enumerate() {
            running += other.running;
            if lane >= depth {
                room = room.min(other.limit.saturating_sub(running));
            }
        }
        room
    }

    /// Jobs that could run now if a worker took them.
    pub(super) fn queued(&self) -> usize {
        self.lanes.iter().enumerate().map(|(depth, lane)| lane.queue.len().min(self.room(depth))).sum()
    }
}

impl Slot {
    /// Call it before [`Shared`] is unlocked: a slot that is off the waiting stack has its job, so that it goes back only
    /// when that was taken.
    fn deliver(&self, job: Job, ticket: Ticket) {
        *lock(&self.delivered) = Some((job, ticket));
        self.waker.wake();
    }
}
