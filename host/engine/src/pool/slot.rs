//! A worker as its pool sees it: where it receives its next job, and whether it is at work.

use super::dispatch::{Dispatch, lock};
use crate::job::Job;
use futures::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub(crate) struct Slot {
    delivered: Mutex<Option<(Job, Ticket)>>,
    pub(super) waker: AtomicWaker,
    /// Changed under the pool's lock only.
    at_work: AtomicBool,
}

/// A running job's place in its lane, given back when dropped, whatever became of the job.
pub(crate) struct Ticket {
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) depth: usize,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.dispatch.finished(self.depth);
    }
}

impl Slot {
    /// Call it before the pool is unlocked: a slot that is off the waiting stack has its job, so that it goes back only
    /// when that was taken.
    pub(super) fn deliver(&self, job: Job, ticket: Ticket) {
        *lock(&self.delivered) = Some((job, ticket));
        self.waker.wake();
    }

    /// A job lies there.
    pub fn is_filled(&self) -> bool {
        lock(&self.delivered).is_some()
    }

    pub(super) fn take(&self) -> Option<(Job, Ticket)> {
        lock(&self.delivered).take()
    }

    /// True when it was at rest.
    pub(super) fn begin(&self) -> bool {
        !self.at_work.swap(true, Relaxed)
    }

    /// True when it was at work.
    pub(super) fn rest(&self) -> bool {
        self.at_work.swap(false, Relaxed)
    }
}
