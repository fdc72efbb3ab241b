//! A worker's place in its pool, given back when it ends, by whatever way.

use super::dispatch::{Dispatch, lock};
use std::sync::Arc;

pub(crate) struct WorkerGuard {
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) starting: bool,
}

impl WorkerGuard {
    pub fn dispatch(&self) -> &Arc<Dispatch> {
        &self.dispatch
    }

    /// The instance is up and will ask for jobs.
    pub fn started(&mut self) {
        if std::mem::take(&mut self.starting) {
            let mut shared = lock(&self.dispatch.shared);
            shared.starting = shared.starting.saturating_sub(1);
        }
    }
}

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        self.started();
        let mut shared = lock(&self.dispatch.shared);
        shared.workers = shared.workers.saturating_sub(1);
        // What came in while this worker was going must not wait for another to come by.
        if shared.queued() > 0 && shared.waiting.is_empty() && shared.starting == 0 {
            self.dispatch.start_worker(&mut shared);
        }
        if shared.workers == 0 {
            self.dispatch.empty.notify_waiters();
        }
    }
}
