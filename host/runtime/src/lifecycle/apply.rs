//! A changed manifest, taken over while the platform runs: everything that a start checks is checked, and only then is anything
//! changed. What needs a restart is refused by its name.

use super::difference::Difference;
use super::schema::{Schema, judge};
use super::swap::not_noted;
use super::version::Digest;
use super::{ChangeError, Lifecycle, Slot, Version, check, interfaces_of, probe};
use crate::compiler::Quality;
use crate::components::Loader;
use crate::downloads;
use crate::error::StartError;
use crate::events;
use crate::instances::Runnable;
use crate::reading::Reading;
use crate::world::World;
use kobliat_engine::{EngineOptions, Limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use tracing::info;
use wasmtime::component::Component;

/// Everything that will be, checked.
struct Plan {
    world: World,
    difference: Difference,
    ready: Vec<Ready>,
}

/// The code of a component that is new, or runs otherwise from now on.
struct Code {
    digest: Digest,
    component: Component,
    follows_manifest: bool,
}

/// The same with its imports answered, as it will run.
struct Ready {
    id: String,
    digest: Digest,
    follows_manifest: bool,
    runnable: Arc<Runnable>,
}

impl Lifecycle {
    /// Follows the manifest and the runtime config as they are on disk now; refused whole when anything is wrong.
    pub async fn apply(self: &Arc<Self>) -> Result<Value, ChangeError> {
        let _turn = self.change.lock().await;
        let plan = self.plan().await?;
        let told = plan.difference.told();
        self.carry_out(plan)?;
        self.prune_archive();
        info!("the manifest was read again: {told}");
        Ok(told)
    }

    async fn plan(&self) -> Result<Plan, ChangeError> {
        let (ground, old) = (&self.ground, self.world());
        let mut reading = Reading::of(&ground.options).map_err(refused)?;
        reading
            .fetch(&downloads::folder(&ground.state_dir, &ground.options), &ground.options)
            .await
            .map_err(refused)?;
        refuse_restarts(old.reading.needs_restart(&reading, &ground.state_dir))?;
        let resolver = ground.resolve(&reading).map_err(refused)?;
        let factors = old.factors.again(&ground.settings(&reading, &resolver)).await.map_err(refused)?;
        let world = ground.world(reading, resolver, Arc::new(factors), Some(&old)).map_err(refused)?;
        self.refuse_other_events(&old, &world)?;
        let difference = Difference::between(&old, &world);
        self.refuse_trials(&difference)?;
        let mut codes = BTreeMap::new();
        for id in difference.to_start() {
            codes.insert(id.clone(), self.code(&old, &world, id).await?);
        }
        self.check_callers(&world, &difference, &codes)?;
        let ready = self.prepare_all(&world, codes)?;
        self.refuse_what_has_no_room(&world, &ready)?;
        self.probe_all(&world, &ready).await?;
        Ok(Plan { world, difference, ready })
    }

    /// The broker and its schedule are made at start.
    fn refuse_other_events(&self, old: &World, new: &World) -> Result<(), ChangeError> {
        let mut reasons = Vec::new();
        if let Some(publisher) = events::publisher(new.manifest()).filter(|_| !self.has_broker) {
            reasons.push(format!("the first component that publishes events, `{}`", publisher.id));
        }
        let first = |world: &World| events::first_retry(world.manifest(), &world.resolver).map_err(refused);
        if first(old)? != first(new)? {
            reasons.push("the variable `event_first_retry_ms`".to_owned());
        }
        refuse_restarts(reasons)
    }

    fn refuse_trials(&self, difference: &Difference) -> Result<(), ChangeError> {
        for id in difference.to_start().chain(&difference.removed) {
            if self.slot(id).is_ok_and(|slot| slot.canary().is_some()) {
                return Err(ChangeError::Conflict(format!(
                    "component `{id}` has a version on trial: `kobliat promote {id}` or `kobliat withdraw {id}` first"
                )));
            }
        }
        Ok(())
    }

    /// The running version's code, composed anew; the manifest's where its source is another, or the component is new.
    async fn code(&self, old: &World, world: &World, id: &str) -> Result<Code, ChangeError> {
        let loader = Loader { manifest: world.manifest(), links: world.instances.links };
        let declared = world.manifest().components.get(id).ok_or_else(|| ChangeError::Unknown(id.to_owned()))?;
        let source = old.manifest().components.get(id).map(|component| &component.source);
        let pinned = match self.slot(id) {
            Ok(slot) if source == Some(&declared.source) => {
                Some((slot.version().digest, slot.version().follows_manifest))
            }
            _ => self.archive.pinned(id).map(|digest| (digest, false)),
        };
        let (own, follows_manifest) = match pinned {
            Some((digest, follows_manifest)) => (self.archive.read(&digest), follows_manifest),
            None => (loader.read_own(declared), true),
        };
        let own = own.map_err(ChangeError::Refused)?;
        let schema = self.slot(id).ok().and_then(|slot| self.archive.read(&slot.version().digest).ok());
        if let Some(found) = self.databases.schema(id).await {
            judge(schema.and_then(|wasm| Schema::of(&wasm)), Schema::of(&own), found)?;
        }
        let whole = loader.compose(declared, &own).map_err(ChangeError::Refused)?;
        let component = self.compiler.compile(whole, Quality::Full).await;
        let component = component.map_err(|why| ChangeError::Refused(format!("component `{id}`: {why}")))?;
        let digest = self.archive.keep(&own);
        let digest =
            digest.map_err(|error| ChangeError::Failed(format!("failed to keep component `{id}`: {error}")))?;
        Ok(Code { digest, component, follows_manifest })
    }

    /// Those that stay as they are must find in the others what they are linked to.
    fn check_callers(
        &self,
        world: &World,
        difference: &Difference,
        codes: &BTreeMap<String, Code>,
    ) -> Result<(), ChangeError> {
        let stays = |slot: &Arc<Slot>| !codes.contains_key(&slot.id) && !difference.removed.contains(&slot.id);
        let staying: Vec<_> = self.slots().into_iter().filter(stays).collect();
        codes.iter().try_for_each(|(id, code)| check::importers(&staying, world.instances.links, id, &code.component))
    }

    fn prepare_all(&self, world: &World, codes: BTreeMap<String, Code>) -> Result<Vec<Ready>, ChangeError> {
        let running = |id: &str| Some(self.slot(id).ok()?.version().runnable.component.clone());
        let callee = |id: &str| codes.get(id).map(|code| code.component.clone()).or_else(|| running(id));
        let (mut ready, mut problems) = (Vec::new(), Vec::new());
        for (id, code) in &codes {
            let Some(declared) = world.manifest().components.get(id) else { continue };
            let interfaces = interfaces_of(world.manifest(), id, world.instances.links);
            let (declared, component) = (Arc::new(declared.clone()), code.component.clone());
            match world.instances.prepare(&declared, component, callee, interfaces) {
                Ok(runnable) => ready.push(Ready {
                    id: id.clone(),
                    digest: code.digest.clone(),
                    follows_manifest: code.follows_manifest,
                    runnable: Arc::new(runnable),
                }),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(ready) } else { Err(ChangeError::Refused(problems.join("\n"))) }
    }

    /// The engine has its places since the start. It keeps as many again for swaps, which may be used up here.
    fn refuse_what_has_no_room(&self, world: &World, ready: &[Ready]) -> Result<(), ChangeError> {
        let has = &self.compiler.engine;
        if !has.pooling {
            return Ok(());
        }
        let fresh = |id: &str| ready.iter().find(|ready| ready.id == id).map(|ready| Arc::clone(&ready.runnable));
        let runnable = |id: &str| fresh(id).or_else(|| Some(self.slot(id).ok()?.version().runnable));
        let used = world.used();
        let limits: Vec<Limits> = used.iter().filter_map(|id| Some(world.instances.limits(&*runnable(id)?))).collect();
        let needs = EngineOptions::for_components(limits.iter());
        let mut reasons = Vec::new();
        if needs.max_memory > has.max_memory {
            let mib = |bytes: usize| bytes >> 20;
            reasons.push(format!(
                "a `memory` limit of {} MiB, where the host was started with {} MiB at most",
                mib(needs.max_memory),
                mib(has.max_memory)
            ));
        }
        if needs.instances / 2 > has.instances {
            reasons.push(format!("{} instances, where the host has room for {}", needs.instances / 2, has.instances));
        }
        refuse_restarts(reasons)
    }

    async fn probe_all(&self, world: &World, ready: &[Ready]) -> Result<(), ChangeError> {
        for Ready { id, runnable, .. } in ready {
            let probed = probe::probe(&world.instances, runnable).await;
            probed.map_err(|why| ChangeError::Refused(format!("component `{id}` would not be healthy: {why}")))?;
        }
        Ok(())
    }

    /// In an order in which nobody is sent where nothing is yet, or where nothing is any more.
    fn carry_out(&self, plan: Plan) -> Result<(), ChangeError> {
        let versions = plan.ready.iter().map(|one| (one.id.as_str(), &one.digest, !one.follows_manifest));
        self.archive.activated(versions).map_err(not_noted)?;
        let Plan { world, difference, ready } = plan;
        let world = Arc::new(world);
        let mut slots = BTreeMap::clone(&self.slots.load());
        set_timeouts(&world);
        for one in ready {
            match slots.get(&one.id) {
                Some(slot) => {
                    slot.settle(&world.instances, slot.next(one.digest, one.runnable, one.follows_manifest));
                }
                None => {
                    let version = Version::new(one.digest, 1, one.runnable, one.follows_manifest);
                    let slot = Arc::new(Slot::new(&one.id, &world.instances.targets, version));
                    slot.start(&world.instances);
                    slots.insert(one.id, slot);
                }
            }
        }
        let removed: Vec<_> = difference.removed.iter().filter_map(|id| slots.remove(id)).collect();
        self.slots.store(Arc::new(slots));
        self.world.store(Arc::clone(&world));
        self.ground.live.show_components(&world);
        self.ground.live.show_routes(&world);
        self.ticks.follow(world.manifest(), &world.instances.targets);
        removed.iter().for_each(|slot| slot.stop());
        let mut departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
        departed.retain(|slot| slot.retiring.count() > 0);
        departed.extend(removed);
        Ok(())
    }
}

fn set_timeouts(world: &World) {
    let targets = &world.instances.targets;
    for (id, target) in targets.http.iter().chain(&targets.calls) {
        if let Some(component) = world.manifest().components.get(id) {
            target.set_timeout(component.kobliat.limits.timeout);
        }
    }
}

fn refused(error: StartError) -> ChangeError {
    ChangeError::Refused(error.to_string())
}

/// What only a new start can follow, in one sentence.
fn refuse_restarts(reasons: Vec<String>) -> Result<(), ChangeError> {
    if reasons.is_empty() {
        return Ok(());
    }
    let reasons = reasons.join("; ");
    Err(ChangeError::Conflict(format!("this needs a restart of the host, and nothing was changed: {reasons}")))
}
