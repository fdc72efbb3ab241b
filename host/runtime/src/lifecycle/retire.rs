//! The end of a version: it takes nothing more, finishes what it has, and goes; at the latest when the drain limit is over.

use kobliat_engine::Pool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::warn;

/// The pools of one component that still finish what they had.
pub struct Retiring {
    count: watch::Sender<usize>,
}

impl Default for Retiring {
    fn default() -> Self {
        Self { count: watch::Sender::new(0) }
    }
}

impl Retiring {
    /// Closes a pool that is in no target any more, and sees it out in the background.
    pub fn retire(self: &Arc<Self>, component: &str, pool: Pool, drain: Duration) {
        pool.close();
        self.count.send_modify(|count| *count += 1);
        let (retiring, component) = (Arc::clone(self), component.to_owned());
        tokio::spawn(async move {
            if tokio::time::timeout(drain, pool.drained()).await.is_err() {
                warn!(%component, "an old version of component `{component}` was ended with {} requests after {} s", pool.running(), drain.as_secs());
                pool.end();
                pool.drained().await;
            }
            retiring.count.send_modify(|count| *count -= 1);
        });
    }

    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until all are gone.
    pub async fn gone(&self) {
        drop(self.count.subscribe().wait_for(|count| *count == 0).await);
    }
}
