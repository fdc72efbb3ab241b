//! The place of one component: what runs in it, and the exchange of that under its callers.

use super::fresh::Fresh;
use super::retire::Retiring;
use super::version::{Digest, Version};
use crate::instances::{Instances, Runnable, Targets};
use arc_swap::ArcSwapOption;
use kobliat_engine::{Counts, Pool, Share, Target};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    http: ArcSwapOption<Target>,
    calls: ArcSwapOption<Target>,
    content: Mutex<Content>,
    pub retiring: Arc<Retiring>,
}

struct Content {
    phase: Phase,
    version: Version,
    canary: Option<Canary>,
    /// The last number that was given to a version.
    number: u32,
}

/// A version on trial beside the active one.
#[derive(Clone)]
pub struct Canary {
    pub version: Version,
    pub percent: u8,
}

impl Slot {
    pub fn new(id: &str, targets: &Targets, version: Version) -> Self {
        let number = version.number;
        Self {
            id: id.to_owned(),
            http: ArcSwapOption::new(targets.http.get(id).cloned()),
            calls: ArcSwapOption::new(targets.calls.get(id).cloned()),
            content: Mutex::new(Content { phase: Phase::Stopped, version, canary: None, number }),
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

    pub fn canary(&self) -> Option<Canary> {
        self.content().canary.clone()
    }

    /// Whoever may call others from here.
    pub fn versions(&self) -> Vec<Version> {
        let content = self.content();
        let canary = content.canary.iter().map(|canary| canary.version.clone());
        std::iter::once(content.version.clone()).chain(canary).collect()
    }

    fn targets(&self) -> impl Iterator<Item = Arc<Target>> + use<> {
        self.http.load_full().into_iter().chain(self.calls.load_full())
    }

    /// The pools of the active version.
    pub fn pools(&self) -> Vec<Pool> {
        self.targets().filter_map(|target| target.pool()).collect()
    }

    /// The pools of the version on trial.
    pub fn canary_pools(&self) -> Vec<Pool> {
        self.targets().filter_map(|target| target.canary()).collect()
    }

    pub fn counts(&self) -> Counts {
        sum(&self.pools())
    }

    /// A version that is about to run here.
    pub fn next(&self, digest: Digest, runnable: Arc<Runnable>, follows_manifest: bool) -> Version {
        let mut content = self.content();
        content.number += 1;
        Version::new(digest, content.number, runnable, follows_manifest)
    }

    /// New instances of the version for all that comes from now on.
    pub fn start(&self, instances: &Instances) {
        let mut content = self.content();
        content.phase = Phase::Running;
        content.canary = None;
        self.fill(instances, &content.version, self.all_pools(), Fresh::default());
    }

    /// Instances of a version that is about to run here, where the running one has some.
    pub async fn prepare(&self, instances: &Instances, runnable: &Runnable, digest: &Digest) -> Result<Fresh, String> {
        let (http, calls) = (self.http.load_full(), self.calls.load_full());
        Fresh::start(instances, runnable, digest, [http.as_ref(), calls.as_ref()]).await
    }

    /// Another version for all that comes from now on. A component that is stopped stays so.
    pub fn replace(&self, instances: &Instances, version: Version, fresh: Fresh) {
        let mut content = self.content();
        content.canary = None;
        content.version = version;
        if content.phase == Phase::Running {
            self.fill(instances, &content.version, self.all_pools(), fresh);
        }
    }

    /// Another version, made for another world, in which it may be reached in other ways.
    pub fn settle(&self, instances: &Instances, version: Version) {
        let mut content = self.content();
        let old = self.all_pools();
        let (http, calls) = (instances.targets.http.get(&self.id), instances.targets.calls.get(&self.id));
        let kept = |target: &Arc<Target>| [http, calls].into_iter().flatten().any(|kept| Arc::ptr_eq(kept, target));
        let gone: Vec<_> = self.targets().filter(|target| !kept(target)).collect();
        self.http.store(http.cloned());
        self.calls.store(calls.cloned());
        content.canary = None;
        content.version = version;
        match content.phase {
            Phase::Running => self.fill(instances, &content.version, old, Fresh::default()),
            Phase::Stopped => self.retire(old, &content.version),
        }
        gone.iter().for_each(|target| target.set(None));
    }

    /// The new pools are in place before the old ones are closed: who comes to a closed one looks again.
    fn fill(&self, instances: &Instances, version: &Version, old: Vec<Pool>, mut fresh: Fresh) {
        if let Some(target) = &*self.http.load() {
            target.set(Some(fresh.http(instances, &version.runnable, version.digest.short())));
        }
        if let Some(target) = &*self.calls.load() {
            target.set(Some(fresh.calls(instances, &version.runnable, version.digest.short())));
        }
        self.retire(old, version);
    }

    pub fn stop(&self) {
        let mut content = self.content();
        content.phase = Phase::Stopped;
        content.canary = None;
        let old = self.all_pools();
        self.targets().for_each(|target| target.set(None));
        self.retire(old, &content.version);
    }

    /// The share goes to the new version, the rest where it went.
    pub fn start_canary(&self, instances: &Instances, version: Version, percent: u8, mut fresh: Fresh) {
        let mut content = self.content();
        let pools = [
            (self.http.load_full(), fresh.http(instances, &version.runnable, version.digest.short())),
            (self.calls.load_full(), fresh.calls(instances, &version.runnable, version.digest.short())),
        ];
        for (target, canary) in pools {
            if let Some((target, active)) = target.and_then(|target| target.pool().map(|active| (target, active))) {
                target.set_with_canary(active, canary, Share::percent(percent));
            }
        }
        content.canary = Some(Canary { version, percent });
    }

    /// The version on trial becomes the active one, in the instances that it has.
    pub fn promote(&self) -> Option<Version> {
        let mut content = self.content();
        let canary = content.canary.take()?;
        let old = self.pools();
        self.targets().for_each(|target| target.set(target.canary()));
        self.retire(old, &content.version);
        content.version = canary.version;
        Some(content.version.clone())
    }

    /// The version on trial is gone.
    pub fn withdraw(&self) -> Option<Version> {
        let mut content = self.content();
        let canary = content.canary.take()?;
        let old = self.canary_pools();
        self.targets().for_each(|target| target.set(target.pool()));
        self.retire(old, &canary.version);
        Some(canary.version)
    }

    fn all_pools(&self) -> Vec<Pool> {
        self.pools().into_iter().chain(self.canary_pools()).collect()
    }

    fn retire(&self, pools: Vec<Pool>, version: &Version) {
        let drain = version.runnable.declared.kobliat.swap.drain;
        pools.into_iter().for_each(|pool| self.retiring.retire(&self.id, pool, drain));
    }
}

pub fn sum(pools: &[Pool]) -> Counts {
    let mut counts = Counts::default();
    pools.iter().for_each(|pool| counts.add(&pool.counts()));
    counts
}
