//! A swap: new bytes in, checked against everything that runs, probed, and in the old one's place; or refused, with the reason.

use super::fresh::Fresh;
use super::schema::{Migration, Schema, judge};
use super::slot::Phase;
use super::version::Digest;
use super::{ChangeError, Lifecycle, Slot, Version, check, interfaces_of, probe, report};
use crate::compiler::Quality;
use crate::components::Loader;
use crate::instances::Runnable;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::SystemTime;
use tracing::info;

/// Larger components are not taken by the admin surface.
pub const MAX_COMPONENT: usize = 64 << 20;

/// What shall run.
pub enum Source {
    Bytes(Vec<u8>),
    /// The manifest's file, as it is now.
    Manifest,
}

/// How it shall run.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// For a share of the tenants.
    pub percent: Option<u8>,
    pub quality: Quality,
}

/// A version that passed every check.
struct Candidate {
    digest: Digest,
    runnable: Arc<Runnable>,
    follows_manifest: bool,
    migration: Migration,
    fresh: Fresh,
}

impl Lifecycle {
    /// Replaces the component's version; with a percentage a share of the tenants gets it, until it is promoted or withdrawn.
    pub async fn swap(self: &Arc<Self>, id: &str, source: Source, wish: Wish) -> Result<Value, ChangeError> {
        let _turn = self.change.lock().await;
        let swapped = self.swap_in_turn(id, source, wish).await;
        self.prune_archive();
        swapped
    }

    async fn swap_in_turn(self: &Arc<Self>, id: &str, source: Source, wish: Wish) -> Result<Value, ChangeError> {
        let slot = self.slot(id)?;
        refuse_canary(&slot)?;
        let follows_manifest = matches!(source, Source::Manifest);
        let wasm = match source {
            Source::Bytes(wasm) => wasm,
            Source::Manifest => self.manifests_own(id)?,
        };
        if Digest::of(&wasm) == slot.version().digest {
            return self.settle_unchanged(&slot, follows_manifest);
        }
        let candidate = match self.candidate(&slot, wasm, follows_manifest, wish.quality).await {
            Ok(candidate) => candidate,
            Err(error) => {
                self.note(&slot, "refused", Some(&error.to_string()));
                return Err(error);
            }
        };
        match wish.percent {
            Some(percent) => self.start_canary(&slot, candidate, percent),
            None => self.switch(&slot, candidate),
        }
    }

    /// The version that was active before this one takes its place again.
    pub async fn roll_back(self: &Arc<Self>, id: &str) -> Result<Value, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        refuse_canary(&slot)?;
        let digest = self.archive.before(id, &slot.version().digest);
        let digest = digest.ok_or_else(|| ChangeError::Conflict(format!("component `{id}` has no earlier version")))?;
        let wasm = self.archive.read(&digest).map_err(ChangeError::Failed)?;
        let follows_manifest = self.manifests_own(id).is_ok_and(|own| Digest::of(&own) == digest);
        let candidate = self.candidate(&slot, wasm, follows_manifest, Quality::Full).await?;
        let old = slot.version();
        let outcome = told("rolled-back", Some("on request"));
        self.activate(&slot, candidate.digest, candidate.runnable, follows_manifest, candidate.fresh, &outcome)?;
        info!(component = %id, "component `{id}`: back from {} to {digest}", old.digest);
        Ok(self.describe(&slot, "rolled-back"))
    }

    fn manifests_own(&self, id: &str) -> Result<Vec<u8>, ChangeError> {
        let world = self.world();
        let declared = world.manifest().components.get(id).ok_or_else(|| ChangeError::Unknown(id.to_owned()))?;
        let loader = Loader { manifest: world.manifest(), links: world.instances.links };
        loader.read_own(declared).map_err(ChangeError::Refused)
    }

    /// Everything that can be known before a request sees the version.
    async fn candidate(
        &self,
        slot: &Slot,
        wasm: Vec<u8>,
        follows_manifest: bool,
        quality: Quality,
    ) -> Result<Candidate, ChangeError> {
        let (id, old, world) = (&slot.id, slot.version(), self.world());
        let declared = Arc::clone(&old.runnable.declared);
        let holders = check::composed_into(self, id);
        if !holders.is_empty() {
            return Err(ChangeError::Conflict(format!(
                "component `{id}` is composed into {}, which would keep the old version: link it instead (`links` in tool.kobliat), or restart the host",
                holders.join(", ")
            )));
        }
        let migration = self.judge_schema(id, &old, &wasm).await?;
        let loader = Loader { manifest: world.manifest(), links: world.instances.links };
        let whole = loader.compose(&declared, &wasm).map_err(ChangeError::Refused)?;
        let component = self.compiler.compile(whole, quality).await.map_err(ChangeError::Refused)?;
        check::grants(&declared, &old.runnable.component, &component)?;
        check::importers(&self.slots(), world.instances.links, id, &component)?;
        let callee = |id: &str| Some(self.slot(id).ok()?.version().runnable.component.clone());
        let interfaces = interfaces_of(world.manifest(), id, world.instances.links);
        let runnable = world.instances.prepare(&declared, component, callee, interfaces);
        let runnable = Arc::new(runnable.map_err(|problems| ChangeError::Refused(problems.join("; ")))?);
        probe::probe(&world.instances, &runnable).await.map_err(ChangeError::Refused)?;
        let digest = self.archive.keep(&wasm);
        let digest = digest.map_err(|error| ChangeError::Failed(format!("failed to keep the version: {error}")))?;
        let fresh = slot.prepare(&world.instances, &runnable, &digest).await.map_err(ChangeError::Refused)?;
        Ok(Candidate { digest, runnable, follows_manifest, migration, fresh })
    }

    pub(super) async fn judge_schema(&self, id: &str, old: &Version, wasm: &[u8]) -> Result<Migration, ChangeError> {
        let Some(found) = self.databases.schema(id).await else { return Ok(Migration::None) };
        let old = self.archive.read(&old.digest).ok().and_then(|wasm| Schema::of(&wasm));
        judge(old, Schema::of(wasm), found)
    }

    fn switch(self: &Arc<Self>, slot: &Arc<Slot>, new: Candidate) -> Result<Value, ChangeError> {
        let old = slot.version();
        let outcome = told("switched", None);
        self.activate(slot, new.digest.clone(), new.runnable, new.follows_manifest, new.fresh, &outcome)?;
        info!(component = %slot.id, "component `{}`: from {} to {}", slot.id, old.digest, new.digest);
        let mut answer = self.describe(slot, "switched");
        let policy = old.runnable.declared.kobliat.swap.clone();
        match new.migration {
            Migration::None => self.watch(&slot.id, old, policy),
            Migration::OneWay { from, to } => {
                let note = format!(
                    "migrates the database from schema {from} to {to}, which the old version does not work with: automatic roll-back is off"
                );
                add(&mut answer, "note", json!(note));
            }
        }
        Ok(answer)
    }

    fn start_canary(&self, slot: &Slot, new: Candidate, percent: u8) -> Result<Value, ChangeError> {
        if let Migration::OneWay { from, to } = new.migration {
            return Err(ChangeError::Conflict(format!(
                "this version migrates the database from schema {from} to {to}, which the running one does not work with, so both can not serve at once: swap it without `--percent`"
            )));
        }
        if slot.phase() == Phase::Stopped {
            return Err(ChangeError::Conflict(format!("component `{}` is stopped; start it first", slot.id)));
        }
        let version = slot.next(new.digest, new.runnable, new.follows_manifest);
        slot.start_canary(&self.world().instances, version, percent, new.fresh);
        Ok(self.note(slot, "canary", None))
    }

    /// The version on trial becomes everybody's.
    pub async fn promote(&self, id: &str) -> Result<Value, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        let version = slot.canary().ok_or_else(|| no_canary(id))?.version;
        let noted = self.archive.switched(id, &version.digest, !version.follows_manifest, &told("promoted", None));
        noted.map_err(not_noted)?;
        slot.promote().ok_or_else(|| no_canary(id))?;
        Ok(self.describe(&slot, "promoted"))
    }

    /// The version on trial goes; what runs in it finishes.
    pub async fn withdraw(&self, id: &str) -> Result<Value, ChangeError> {
        let _turn = self.change.lock().await;
        let slot = self.slot(id)?;
        slot.withdraw().ok_or_else(|| no_canary(id))?;
        self.prune_archive();
        Ok(self.note(&slot, "withdrawn", None))
    }

    /// Writes down that the version is in its place, then puts it there. What is not on disk is not done: a restart would
    /// run another version than the one that the operator was told of.
    fn activate(
        &self,
        slot: &Slot,
        digest: Digest,
        runnable: Arc<Runnable>,
        follows_manifest: bool,
        fresh: Fresh,
        outcome: &Value,
    ) -> Result<(), ChangeError> {
        let noted = self.archive.switched(&slot.id, &digest, !follows_manifest, outcome).map_err(not_noted);
        if let Err(error) = &noted {
            self.note(slot, "failed", Some(&error.to_string()));
        }
        noted?;
        slot.replace(&self.world().instances, slot.next(digest, runnable, follows_manifest), fresh);
        Ok(())
    }

    fn settle_unchanged(&self, slot: &Slot, follows_manifest: bool) -> Result<Value, ChangeError> {
        if follows_manifest {
            let digest = slot.version().digest;
            self.archive.activated([(slot.id.as_str(), &digest, false)]).map_err(not_noted)?;
        }
        Ok(self.describe(slot, "unchanged"))
    }

    /// Remembers the outcome, and answers with the component as it is now.
    fn note(&self, slot: &Slot, outcome: &str, reason: Option<&str>) -> Value {
        self.archive.swapped(&slot.id, &told(outcome, reason));
        self.describe(slot, outcome)
    }

    fn describe(&self, slot: &Slot, outcome: &str) -> Value {
        let mut answer = report::describe(slot, &self.archive);
        add(&mut answer, "outcome", json!(outcome));
        answer
    }
}

/// How a change went, as it is written down.
fn told(outcome: &str, reason: Option<&str>) -> Value {
    json!({ "outcome": outcome, "reason": reason, "at": report::rfc3339(SystemTime::now()) })
}

pub(super) fn not_noted(error: String) -> ChangeError {
    ChangeError::Failed(format!("the version that runs stays, because the change can not be kept: {error}"))
}

fn add(answer: &mut Value, key: &str, value: Value) {
    if let Some(answer) = answer.as_object_mut() {
        answer.insert(key.to_owned(), value);
    }
}

fn refuse_canary(slot: &Slot) -> Result<(), ChangeError> {
    match slot.canary() {
        Some(_) => Err(ChangeError::Conflict(format!(
            "component `{0}` has a version on trial: `kobliat promote {0}` or `kobliat withdraw {0}` first",
            slot.id
        ))),
        None => Ok(()),
    }
}

fn no_canary(id: &str) -> ChangeError {
    ChangeError::Conflict(format!("component `{id}` has no version on trial"))
}
