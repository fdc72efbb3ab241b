//! Components at run time: which version of each runs, and how one is started, stopped, restarted and replaced.
//!
//! A [`Slot`] is the place of one component: its version, its state, and the targets by which its callers know it.
//! Whatever changes it makes new pools, sets them into the targets, and lets the old ones finish ([`retire`]).

mod report;
mod retire;
mod slot;
mod version;

pub use report::{describe, report};
pub use slot::{Phase, Slot};
pub use version::{Digest, Version};

use crate::components::{Compiled, Loaded};
use crate::error::StartError;
use crate::instances::{Instances, Runnable};
use crate::wiring::links_of;
use kobliat_manifest::{Component as Declared, Manifest};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All components that run.
pub struct Lifecycle {
    pub instances: Instances,
    pub manifest: Arc<Manifest>,
    slots: BTreeMap<String, Arc<Slot>>,
    /// One change at a time: what was checked against the others is still so when it is done.
    change: tokio::sync::Mutex<()>,
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
    pub fn start(instances: Instances, manifest: Arc<Manifest>, compiled: &Compiled) -> Result<Self, StartError> {
        let mut slots = BTreeMap::new();
        let mut problems = Vec::new();
        for (id, loaded) in compiled {
            let Some(declared) = manifest.components.get(id) else { continue };
            match prepare(&instances, &manifest, compiled, declared, loaded) {
                Ok(runnable) => {
                    let version = Version::first(loaded.digest.clone(), Arc::new(runnable));
                    slots.insert(id.clone(), Arc::new(Slot::new(id, &instances.targets, version)));
                }
                Err(found) => problems.extend(found),
            }
        }
        StartError::from_all(problems)?;
        slots.values().for_each(|slot| slot.start(&instances));
        Ok(Self { instances, manifest, slots, change: tokio::sync::Mutex::default() })
    }

    pub fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.values()
    }

    pub fn slot(&self, id: &str) -> Result<&Arc<Slot>, ChangeError> {
        self.slots.get(id).ok_or_else(|| ChangeError::Unknown(id.to_owned()))
    }

    /// New requests and calls find the component where it was; nothing is done to one that runs.
    pub async fn start_component(&self, id: &str) -> Result<Phase, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        if slot.phase() == Phase::Stopped {
            slot.start(&self.instances);
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
        slot.start(&self.instances);
        Ok(slot.phase())
    }
}

fn prepare(
    instances: &Instances,
    manifest: &Manifest,
    compiled: &Compiled,
    declared: &Declared,
    loaded: &Loaded,
) -> Result<Runnable, Vec<String>> {
    let callee = |id: &str| compiled.get(id).map(|loaded| loaded.component.clone());
    let interfaces = interfaces_of(manifest, &declared.id, instances.links);
    instances.prepare(&Arc::new(declared.clone()), loaded.component.clone(), callee, interfaces)
}

/// The interfaces by which others are linked to this component.
pub fn interfaces_of<'m>(manifest: &'m Manifest, callee: &'m str, links: bool) -> impl Iterator<Item = &'m str> {
    let all = manifest.components.values().flat_map(move |component| links_of(component, links));
    all.filter(move |(_, linked)| *linked == callee).map(|(interface, _)| interface)
}
