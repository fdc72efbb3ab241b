//! One reading of the manifest, made ready to run components by: who is reached how, who may use what.
//!
//! The [`Ground`] outlives readings: the engine's linker, open databases, counters, virtual hosts. A [`World`] stands on it, is
//! replaced whole when the manifest changes, and is kept by the instances that were made in it until they have finished.

use crate::components::used;
use crate::error::StartError;
use crate::factors::{Factors, Settings};
use crate::instances::{Instances, Targets};
use crate::lifecycle::interfaces_of;
use crate::live::Live;
use crate::options::Options;
use crate::outbound::{outbound, policies};
use crate::reading::Reading;
use crate::wasi;
use crate::wiring::{Wiring, links_of};
use kobliat_engine::stdio::LogStreams;
use kobliat_engine::{PlatformHosts, State, Target};
use kobliat_factor_outbound_http::HttpOptions;
use kobliat_factor_variables::{Resolver, SecretsFile, Sources};
use kobliat_manifest::{Component, HttpTarget, Manifest, Middleware};
use kobliat_telemetry::Metrics;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use wasmtime::component::Linker;

/// The folder of later worlds among the first one's; no component's id has a dot.
const LATER: &str = ".later";

pub struct Ground {
    pub options: Options,
    pub state_dir: PathBuf,
    pub log_dir: Option<PathBuf>,
    pub log_streams: Arc<LogStreams>,
    pub linker: Linker<State>,
    pub http: HttpOptions,
    pub metrics: Arc<Metrics>,
    pub wiring: Arc<Wiring>,
    pub platform: Arc<PlatformHosts>,
    pub live: Arc<Live>,
    /// How many worlds there were before: each copies the files that it mounts to a place of its own.
    pub worlds: AtomicU32,
}

pub struct World {
    pub reading: Reading,
    pub resolver: Resolver,
    pub factors: Arc<Factors>,
    pub instances: Instances,
}

/// All that decides how a component runs but for its own bytes. When it is the same, its instances need not be replaced.
#[derive(PartialEq)]
pub struct Input {
    pub declared: Component,
    pub variables: BTreeMap<String, String>,
    pub hosts: Vec<String>,
    pub middleware: Vec<Middleware>,
    /// Whether it has an HTTP trigger, and the interfaces by which others are linked to it.
    pub reached: (bool, BTreeSet<String>),
}

impl Ground {
    /// The values of all variables; makes the secrets that are missing.
    pub fn resolve(&self, reading: &Reading) -> Result<Resolver, StartError> {
        resolve(&self.options, reading, &SecretsFile::in_state_dir(&self.state_dir))
    }

    /// Where this world's copies of files go. Those of earlier worlds may be mounted still; the first one finds nobody.
    fn assets(&self) -> PathBuf {
        let assets = self.options.temp_dir.as_ref().unwrap_or(&self.state_dir).join("assets");
        match self.worlds.fetch_add(1, Relaxed) {
            0 => {
                drop(std::fs::remove_dir_all(assets.join(LATER)));
                assets
            }
            number => assets.join(LATER).join(number.to_string()),
        }
    }

    pub fn settings<'s>(&'s self, reading: &'s Reading, resolver: &'s Resolver) -> Settings<'s> {
        let Reading { manifest, config, .. } = reading;
        Settings { manifest, config, resolver, state_dir: &self.state_dir, options: &self.options }
    }

    /// Checks who may use what, and prepares it. What is the same as `before` is taken over.
    pub fn world(
        &self,
        reading: Reading,
        resolver: Resolver,
        factors: Arc<Factors>,
        before: Option<&World>,
    ) -> Result<World, StartError> {
        let settings = self.settings(&reading, &resolver);
        let policies = policies(&settings)?;
        let known = before.map(|world| Arc::clone(&world.instances.targets)).unwrap_or_default();
        let targets = Arc::new(targets(&reading.manifest, self.options.links, &known));
        let kept = |component: &Component| {
            let world = before?;
            let same = world.input(&component.id)? == input(&settings, component);
            same.then(|| world.instances.wasi.get(&component.id).cloned()).flatten()
        };
        let assets = self.assets();
        let wasi = wasi::prepare(&settings, &policies, &assets, kept)?;
        let outbound = Arc::new(outbound(&settings, policies, &self.http, &self.live, &self.platform)?);
        let instances = Instances {
            linker: self.linker.clone(),
            factors: factors.all(),
            outbound,
            wasi,
            wiring: Arc::clone(&self.wiring),
            targets,
            links: self.options.links,
            log_dir: self.log_dir.clone(),
            log_streams: Arc::clone(&self.log_streams),
            metrics: Arc::clone(&self.metrics),
        };
        Ok(World { reading, resolver, factors, instances })
    }
}

pub fn resolve(options: &Options, reading: &Reading, secrets: &SecretsFile) -> Result<Resolver, StartError> {
    let sources = Sources {
        cli: options.variables.clone(),
        providers: reading.config.providers(),
        environment: options.environment.clone(),
        working_dir: options.working_dir.clone(),
    };
    Resolver::new(&reading.manifest, &sources, secrets).map_err(|error| StartError::new(error.to_string()))
}

impl World {
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.reading.manifest
    }

    /// `None` for a component that the manifest does not have.
    pub fn input(&self, id: &str) -> Option<Input> {
        let component = self.manifest().components.get(id)?;
        Some(input_of(self.manifest(), &self.resolver, self.instances.links, component))
    }

    /// The components that run: those with a trigger, and those that others are linked to.
    pub fn used(&self) -> BTreeSet<String> {
        used(self.manifest(), self.instances.links)
    }
}

fn input(settings: &Settings<'_>, component: &Component) -> Input {
    input_of(settings.manifest, settings.resolver, settings.options.links, component)
}

fn input_of(manifest: &Manifest, resolver: &Resolver, links: bool, component: &Component) -> Input {
    let id = &component.id;
    // What only people and builds read changes nothing that runs.
    let declared =
        Component { description: None, build: None, targets: None, profiles: BTreeMap::new(), ..component.clone() };
    let own = manifest.http_triggers.iter().filter(|trigger| serves(&trigger.target, id));
    let middleware: Vec<_> = own.clone().flat_map(|trigger| trigger.middleware.clone()).collect();
    Input {
        declared,
        variables: (*resolver.component(id)).clone(),
        hosts: component.allowed_outbound_hosts.iter().map(|host| resolver.expand(host)).collect(),
        middleware,
        reached: (own.count() > 0, interfaces_of(manifest, id, links).map(str::to_owned).collect()),
    }
}

fn serves(target: &HttpTarget, id: &str) -> bool {
    matches!(target, HttpTarget::Component { id: served, .. } if served == id)
}

/// Every component with an HTTP trigger, and every callee of a link; by the targets that they have already.
fn targets(manifest: &Manifest, links: bool, known: &Targets) -> Targets {
    let timeout = |id: &str| manifest.components.get(id).map(|component| component.kobliat.limits.timeout);
    let target = |known: &BTreeMap<String, Arc<Target>>, id: &str| {
        let found = known.get(id).cloned();
        found.unwrap_or_else(|| {
            Target::new(id.into(), timeout(id).unwrap_or(kobliat_manifest::Limits::default().timeout))
        })
    };
    let served = manifest.http_triggers.iter().filter_map(|trigger| match &trigger.target {
        HttpTarget::Component { id, .. } => Some(id.as_str()),
        HttpTarget::Static(_) => None,
    });
    let used = used(manifest, links);
    let importers = manifest.components.values().filter(|component| used.contains(&component.id));
    let callees = importers.flat_map(|component| links_of(component, links)).map(|(_, callee)| callee);
    // Two routes to one component, or two links, are two ways to the same target.
    let by_id = |ids: BTreeSet<&str>, known: &BTreeMap<_, _>| {
        ids.into_iter().map(|id| (id.to_owned(), target(known, id))).collect()
    };
    Targets { http: by_id(served.collect(), &known.http), calls: by_id(callees.collect(), &known.calls) }
}
