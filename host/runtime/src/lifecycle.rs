//! Components at run time: which version of each runs, and how one is started, stopped, restarted and replaced.
//!
//! A [`Slot`] is the place of one component: its version, its state, and the targets by which its callers know it.
//! Whatever changes it makes new pools, sets them into the targets, and lets the old ones finish ([`retire`]).
//! [`swap`] is the way of new bytes: [`check`], [`schema`], [`probe`], [`fresh`] instances, the switch, and the [`trial`] after it. [`apply`] is the way
//! of a changed manifest: the [`difference`] is checked as at start, then made. Both are made [`aside`].

mod apply;
mod archive;
mod aside;
mod check;
mod difference;
mod fresh;
mod probe;
mod report;
mod retire;
mod schema;
mod slot;
mod swap;
mod trial;
mod version;

pub use archive::Archive;
pub use aside::aside;
pub use report::{describe, report};
pub use slot::{Phase, Slot};
pub use swap::{MAX_COMPONENT, Source, Wish};
pub use trial::OnRollback;
pub use version::{Digest, Version};

use crate::compiler::Compiler;
use crate::components::{Compiled, Loaded};
use crate::error::StartError;
use crate::factors::Schemas;
use crate::instances::Runnable;
use crate::tick::Ticks;
use crate::wiring::links_of;
use crate::world::{Ground, World};
use arc_swap::ArcSwap;
use futures::future::join_all;
use kobliat_manifest::{Component as Declared, Manifest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::warn;

/// All components that run.
pub struct Lifecycle {
    pub ground: Ground,
    world: ArcSwap<World>,
    pub archive: Arc<Archive>,
    compiler: Compiler,
    databases: Schemas,
    ticks: Ticks,
    /// Whether events have a broker, which is decided at start.
    has_broker: bool,
    slots: ArcSwap<BTreeMap<String, Arc<Slot>>>,
    /// Components that the manifest has no more, and that may still finish something.
    departed: Mutex<Vec<Arc<Slot>>>,
    on_rollback: OnceLock<OnRollback>,
    /// One change at a time: what was checked against the others is still so when it is done.
    change: tokio::sync::Mutex<()>,
}

/// What a change of version needs beside the instances.
pub struct Workshop {
    pub ground: Ground,
    pub ticks: Ticks,
    pub has_broker: bool,
    pub archive: Arc<Archive>,
    pub compiler: Compiler,
    pub databases: Schemas,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no component `{0}` that runs here")]
    Unknown(String),
    /// The state of things forbids it.
    #[error("{0}")]
    Conflict(String),
    /// What was given does not do.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
}

impl Lifecycle {
    /// Gives every target its pool. All components that can not run are named.
    pub fn start(world: World, compiled: &Compiled, workshop: Workshop) -> Result<Self, StartError> {
        let mut slots = BTreeMap::new();
        let mut problems = Vec::new();
        for (id, loaded) in compiled {
            let Some(declared) = world.manifest().components.get(id) else { continue };
            match prepare(&world, compiled, declared, loaded) {
                Ok(runnable) => {
                    let version = Version::new(loaded.digest.clone(), 1, Arc::new(runnable), !loaded.pinned);
                    slots.insert(id.clone(), Arc::new(Slot::new(id, &world.instances.targets, version)));
                }
                Err(found) => problems.extend(found),
            }
        }
        StartError::from_all(problems)?;
        note_versions(&workshop.archive, compiled, &slots);
        slots.values().for_each(|slot| slot.start(&world.instances));
        let Workshop { ground, ticks, has_broker, archive, compiler, databases } = workshop;
        archive.prune(|_| false);
        ground.live.show_components(&world);
        ground.live.show_routes(&world);
        Ok(Self {
            ground,
            world: ArcSwap::from_pointee(world),
            archive,
            compiler,
            databases,
            ticks,
            has_broker,
            slots: ArcSwap::from_pointee(slots),
            departed: Mutex::default(),
            on_rollback: OnceLock::new(),
            change: tokio::sync::Mutex::default(),
        })
    }

    /// Asks every component whose manifest names a probe for it, before anybody else asks anything: what can not work with its
    /// variables is refused, all of it at once.
    pub async fn probe_at_start(&self) -> Result<(), StartError> {
        let world = self.world();
        let probed = self.slots().into_iter().map(|slot| {
            let (runnable, world) = (slot.version().runnable, Arc::clone(&world));
            async move {
                let id = &runnable.declared.id;
                runnable.declared.kobliat.swap.probe.as_ref()?;
                let why = probe::probe(&world.instances, &runnable).await.err()?;
                Some(format!("component `{id}` is not healthy: {why}"))
            }
        });
        StartError::from_all(join_all(probed).await.into_iter().flatten().collect())
    }

    /// Whoever wants to know when a version was taken back. Once.
    pub fn on_rollback(&self, tell: OnRollback) {
        drop(self.on_rollback.set(tell));
    }

    /// What the manifest says now, and what was made of it.
    pub fn world(&self) -> Arc<World> {
        self.world.load_full()
    }

    /// By their ids.
    pub fn slots(&self) -> Vec<Arc<Slot>> {
        self.slots.load().values().cloned().collect()
    }

    pub fn slot(&self, id: &str) -> Result<Arc<Slot>, ChangeError> {
        self.slots.load().get(id).cloned().ok_or_else(|| ChangeError::Unknown(id.to_owned()))
    }

    /// From now on the platform ticks the components that ask for it.
    pub fn start_ticks(&self) {
        let world = self.world();
        self.ticks.follow(world.manifest(), &world.instances.targets);
    }

    /// Keeps the folder of versions small. The caller has the turn, so no version is being checked.
    fn prune_archive(&self) {
        let running: BTreeSet<Digest> =
            self.slots().iter().flat_map(|slot| slot.versions()).map(|version| version.digest).collect();
        self.archive.prune(|digest| running.contains(digest));
    }

    /// Waits until no old version finishes anything any more.
    pub async fn all_gone(&self) {
        let departed = std::mem::take(&mut *self.departed.lock().unwrap_or_else(PoisonError::into_inner));
        for slot in self.slots().into_iter().chain(departed) {
            slot.retiring.gone().await;
        }
    }

    /// New requests and calls find the component where it was; nothing is done to one that runs.
    pub async fn start_component(&self, id: &str) -> Result<Phase, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        if slot.phase() == Phase::Stopped {
            slot.start(&self.world().instances);
        }
        Ok(slot.phase())
    }

    /// From now on the component answers nobody; what runs finishes.
    pub async fn stop_component(&self, id: &str) -> Result<Phase, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        slot.stop();
        Ok(slot.phase())
    }

    /// The same version in new instances. Callers notice nothing.
    pub async fn restart_component(&self, id: &str) -> Result<Phase, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        slot.start(&self.world().instances);
        Ok(slot.phase())
    }
}

/// A start goes on without the record: the versions are those that it would name.
fn note_versions(archive: &Archive, compiled: &Compiled, slots: &BTreeMap<String, Arc<Slot>>) {
    let running = compiled.iter().filter(|(id, _)| slots.contains_key(*id));
    let versions = running.map(|(id, loaded)| (id.as_str(), &loaded.digest, loaded.pinned));
    if let Err(error) = archive.activated(versions) {
        warn!("{error}; `rollback` will not know the versions of this start");
    }
}

fn prepare(world: &World, compiled: &Compiled, declared: &Declared, loaded: &Loaded) -> Result<Runnable, Vec<String>> {
    let callee = |id: &str| compiled.get(id).map(|loaded| loaded.component.clone());
    let interfaces = interfaces_of(world.manifest(), &declared.id, world.instances.links);
    world.instances.prepare(&Arc::new(declared.clone()), loaded.component.clone(), callee, interfaces)
}

/// The interfaces by which others are linked to this component.
pub fn interfaces_of<'m>(manifest: &'m Manifest, callee: &'m str, links: bool) -> impl Iterator<Item = &'m str> {
    let all = manifest.components.values().flat_map(move |component| links_of(component, links));
    all.filter(move |(_, linked)| *linked == callee).map(|(interface, _)| interface)
}
