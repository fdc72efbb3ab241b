//! The place of one component: what runs in it, and the exchange of that under its callers.

use super::retire::Retiring;
use super::version::Version;
use crate::instances::{Instances, Targets};
use kobliat_engine::{Counts, Pool, Target};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long requests of an old version may go on; longer than any component's time limit by default.
const DRAIN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running,
    Stopped,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

pub struct Slot {
    pub id: String,
    http: Option<Arc<Target>>,
    calls: Option<Arc<Target>>,
    content: Mutex<Content>,
    pub retiring: Arc<Retiring>,
}

struct Content {
    phase: Phase,
    version: Version,
}

impl Slot {
    pub fn new(id: &str, targets: &Targets, version: Version) -> Self {
        Self {
            id: id.to_owned(),
            http: targets.http.get(id).cloned(),
            calls: targets.calls.get(id).cloned(),
            content: Mutex::new(Content { phase: Phase::Stopped, version }),
            retiring: Arc::default(),
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn phase(&self) -> Phase {
        self.content().phase
    }

    pub fn version(&self) -> Version {
        self.content().version.clone()
    }

    fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.http.iter().chain(&self.calls)
    }

    /// The pools that serve now.
    pub fn pools(&self) -> Vec<Pool> {
        self.targets().filter_map(|target| target.pool()).collect()
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.pools().iter().for_each(|pool| counts.add(&pool.counts()));
        counts
    }

    /// New instances of the version for all that comes from now on.
    pub fn start(&self, instances: &Instances) {
        let mut content = self.content();
        content.phase = Phase::Running;
        self.fill(instances, &content.version);
    }

    /// The new pools are in place before the old ones are closed: who comes to a closed one looks again.
    fn fill(&self, instances: &Instances, version: &Version) {
        let old = self.pools();
        if let Some(target) = &self.http {
            target.set(Some(instances.http_pool(&version.runnable)));
        }
        if let Some(target) = &self.calls {
            target.set(Some(instances.calls_pool(&version.runnable)));
        }
        self.retire(old);
    }

    pub fn stop(&self) {
        let mut content = self.content();
        content.phase = Phase::Stopped;
        let old = self.pools();
        self.targets().for_each(|target| target.set(None));
        self.retire(old);
    }

    fn retire(&self, pools: Vec<Pool>) {
        pools.into_iter().for_each(|pool| self.retiring.retire(&self.id, pool, DRAIN));
    }
}
