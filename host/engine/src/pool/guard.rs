//! A worker's place in its pool, given back when it ends, by whatever way; and its turn on a thread.

use super::dispatch::{Dispatch, Started, lock};
use super::slot::Slot;
use std::sync::Arc;

pub(crate) struct WorkerGuard {
    dispatch: Arc<Dispatch>,
    slot: Arc<Slot>,
    starting: bool,
    told: Option<Started>,
}

impl WorkerGuard {
    pub(crate) fn new(dispatch: Arc<Dispatch>, slot: Arc<Slot>, told: Option<Started>) -> Self {
        Self { dispatch, slot, starting: true, told }
    }

    pub fn dispatch(&self) -> &Arc<Dispatch> {
        &self.dispatch
    }

    /// Where it receives its jobs.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// The instance is up and will ask for jobs.
    pub fn started(&mut self) {
        self.tell(Ok(()));
    }

    /// There is no instance.
    pub fn failed(&mut self, why: String) {
        self.tell(Err(why));
    }

    fn tell(&mut self, outcome: Result<(), String>) {
        if std::mem::take(&mut self.starting) {
            let mut shared = lock(&self.dispatch.shared);
            shared.starting = shared.starting.saturating_sub(1);
        }
        if let Some(told) = self.told.take() {
            // Who has gone needs no word.
            drop(told.send(outcome));
        }
    }
}

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        self.tell(Err("it ended while it started".to_owned()));
        // A job that was delivered to it meanwhile is for another.
        self.dispatch.give_back(&self.slot);
        let mut shared = lock(&self.dispatch.shared);
        shared.workers = shared.workers.saturating_sub(1);
        shared.rest(&self.slot);
        // What came in while this worker was going must not wait for another to come by.
        self.dispatch.employ(&mut shared);
        if shared.workers == 0 {
            self.dispatch.empty.notify_waiters();
        }
    }
}

/// A worker's turn on a thread. What it leaves in the queue when it rests goes to another.
pub(super) struct AtWork {
    pub dispatch: Arc<Dispatch>,
    pub slot: Arc<Slot>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut shared = lock(&self.dispatch.shared);
        shared.rest(&self.slot);
        self.dispatch.employ(&mut shared);
    }
}
