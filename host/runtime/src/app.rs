//! The running platform: started in one go, or refused with every reason; stopped without losing a request.

use crate::components::{self, is_composed, used};
use crate::error::StartError;
use crate::instances::{Instances, Targets, limits_of};
use crate::options::Options;
use crate::runtime_config::RuntimeConfig;
use crate::state_dir::StateDir;
use crate::tick;
use crate::unsupported;
use crate::wiring::Wiring;
use futures::future::BoxFuture;
use http::{Request, Response};
use kobliat_engine::{Body, CallContext, ComponentCache, Engine, EngineOptions, Factor, HttpFailure, Limits, Target};
use kobliat_factor_outbound_http::{OutboundHttp, VirtualHosts};
use kobliat_factor_sqlite::{DatabaseConfig, SqliteFactor};
use kobliat_factor_variables::{Resolver, Scope, SecretsFile, Sources, VariablesFactor};
use kobliat_manifest::{HttpRoute, HttpTarget, Manifest};
use kobliat_trigger_http::{AppInfo, Destination, InternalHosts, Router, Server, ServerOptions, Service};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// Open connections at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

/// One public route, as the start-up lines show it.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    /// What answers: a component's id, or the trigger's for a static response.
    pub name: String,
    /// Without its wildcard.
    pub path: String,
    pub wildcard: bool,
    pub description: Option<String>,
}

/// A platform that serves.
pub struct Runtime {
    address: SocketAddr,
    routes: Vec<RouteInfo>,
    state_dir: StateDir,
    log_dir: Option<PathBuf>,
    secrets: PathBuf,
    generated: Vec<String>,
    targets: Arc<Targets>,
    sqlite: Arc<SqliteFactor>,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain: Duration,
}

impl Runtime {
    /// Reads, checks, compiles and binds; when it returns, the platform answers.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let manifest = Manifest::load(&options.manifest).map_err(|errors| StartError::new(errors.to_string()))?;
        unsupported::refuse(&manifest)?;
        let config = RuntimeConfig::load(options.runtime_config.as_deref(), &manifest.dir)?;
        let state_dir = options.state_dir.clone().or_else(|| config.state_dir());
        let state_dir = StateDir::open(state_dir.unwrap_or_else(|| manifest.dir.join(".kobliat")))?;
        let secrets = SecretsFile::in_state_dir(state_dir.path());
        let resolver = resolve_variables(&options, &config, &manifest, &secrets)?;
        let log_dir = config.log_dir(state_dir.path());

        let engine = engine(&manifest, options.links)?;
        let cache = ComponentCache::new(engine.clone(), Some(&state_dir.component_cache()))
            .map_err(|error| StartError::because("use the cache of compiled components", error))?;
        let compiled = components::compile(&manifest, &cache, options.links, options.progress)?;
        let wiring = Wiring::check(&manifest, &engine, &compiled, options.links)?;
        let targets = Arc::new(targets(&manifest, &wiring));

        let sqlite = Arc::new(open_databases(&manifest, &config, state_dir.path(), options.links)?);
        let scope = |component: &kobliat_manifest::Component| {
            if is_composed(component, options.links) { Scope::Listed } else { Scope::Own }
        };
        let variables = Arc::new(VariablesFactor::new(&manifest, &resolver, scope));
        let factors: Vec<Arc<dyn Factor>> = vec![Arc::clone(&sqlite) as Arc<dyn Factor>, variables];
        let outbound = Arc::new(outbound(&manifest, &resolver, &targets, options.links)?);
        let instances = Instances { factors, outbound };
        instances.start(&engine, &manifest.components, &compiled, &wiring, &targets, log_dir.as_deref())?;

        let service = Service::new(router(&manifest, &targets), app_info(&manifest));
        let server = ServerOptions { listen: options.listen, max_connections: MAX_CONNECTIONS };
        let server = Server::bind(&server, service).map_err(|error| cannot_listen(options.listen, &error))?;
        let address = server.local_addr().map_err(|error| StartError::because("learn the port", error))?;

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stopped = stop.clone();
        let drain = options.drain;
        tasks.spawn(async move { server.serve(stopped.cancelled_owned(), drain).await });
        for (id, component) in &manifest.components {
            if let (Some(period), Some(target)) = (component.kobliat.tick, targets.http.get(id)) {
                tick::start(&tasks, stop.clone(), Arc::clone(target), period);
            }
        }
        Ok(Self {
            address,
            routes: routes(&manifest),
            state_dir,
            log_dir,
            secrets: secrets.path().to_path_buf(),
            generated: resolver.generated().to_vec(),
            targets,
            sqlite,
            stop,
            tasks,
            drain,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }

    pub fn state_dir(&self) -> &Path {
        self.state_dir.path()
    }

    pub fn log_dir(&self) -> Option<&Path> {
        self.log_dir.as_deref()
    }

    pub fn secrets_file(&self) -> &Path {
        &self.secrets
    }

    /// The secrets that were made at this start.
    pub fn generated_secrets(&self) -> &[String] {
        &self.generated
    }

    /// Instances alive now, all components together.
    pub fn instances(&self) -> usize {
        self.targets.pools().map(|pool| pool.instances()).sum()
    }

    /// Requests and calls that run now.
    pub fn running(&self) -> usize {
        self.targets.pools().map(|pool| pool.running()).sum()
    }

    /// Finishes what was accepted, then closes the databases.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        for pool in self.targets.pools() {
            pool.close();
            if tokio::time::timeout(self.drain, pool.drained()).await.is_err() {
                warn!("stopped with {} requests still running", pool.running());
            }
        }
        self.sqlite.shutdown().await;
    }
}

impl Drop for Runtime {
    /// Pools and targets know each other (a component may call any other): without this, nothing of a stopped platform
    /// would ever be freed.
    fn drop(&mut self) {
        self.stop.cancel();
        for target in self.targets.http.values().chain(self.targets.calls.values()) {
            target.set(None);
        }
    }
}

fn resolve_variables(
    options: &Options,
    config: &RuntimeConfig,
    manifest: &Manifest,
    secrets: &SecretsFile,
) -> Result<Resolver, StartError> {
    let sources = Sources {
        cli: options.variables.clone(),
        providers: config.providers(),
        environment: options.environment.clone(),
        working_dir: options.working_dir.clone(),
    };
    Resolver::new(manifest, &sources, secrets).map_err(|error| StartError::new(error.to_string()))
}

fn engine(manifest: &Manifest, links: bool) -> Result<Engine, StartError> {
    let used = used(manifest, links);
    let limits: Vec<Limits> = used.iter().filter_map(|id| manifest.components.get(id)).map(limits_of).collect();
    Engine::new(&EngineOptions::for_components(limits.iter()))
        .map_err(|error| StartError::because("start the component engine", error))
}

/// Every component with an HTTP trigger, and every callee of a link.
fn targets(manifest: &Manifest, wiring: &Wiring) -> Targets {
    let target = |id: &String| {
        let timeout = manifest.components.get(id).map(|component| component.kobliat.limits.timeout);
        (id.clone(), Target::new(id.as_str().into(), timeout.unwrap_or(Limits::default().timeout)))
    };
    let served = manifest.http_triggers.iter().filter_map(|trigger| match &trigger.target {
        HttpTarget::Component { id, .. } => Some(target(id)),
        HttpTarget::Static(_) => None,
    });
    // Two routes to one component are two ways to the same target.
    let mut http = BTreeMap::new();
    for (id, target) in served {
        http.entry(id).or_insert(target);
    }
    Targets { http, calls: wiring.callees().map(target).collect() }
}

fn open_databases(
    manifest: &Manifest,
    config: &RuntimeConfig,
    state_dir: &Path,
    links: bool,
) -> Result<SqliteFactor, StartError> {
    let mut grants = HashMap::new();
    for (id, component) in &manifest.components {
        let labels = if is_composed(component, links) {
            &component.sqlite_databases
        } else {
            &component.kobliat.own.sqlite_databases
        };
        grants.insert(id.clone(), labels.clone());
    }
    let granted = |label: &str| grants.values().flatten().any(|granted| granted == label);
    let databases = config.sqlite_databases(state_dir).into_iter();
    // Only `default` has an entry that nobody wrote; its file is made when somebody uses it.
    let databases = databases.filter(|(label, _)| label != "default" || granted(label));
    let databases = databases.map(|(label, path)| (label, DatabaseConfig { path })).collect();
    SqliteFactor::new(databases, grants).map_err(|error| StartError::new(error.to_string()))
}

fn outbound(
    manifest: &Manifest,
    resolver: &Resolver,
    targets: &Targets,
    links: bool,
) -> Result<OutboundHttp, StartError> {
    let mut allowed = HashMap::new();
    let mut problems = Vec::new();
    for (id, component) in &manifest.components {
        let entries = if is_composed(component, links) {
            &component.allowed_outbound_hosts
        } else {
            &component.kobliat.own.allowed_outbound_hosts
        };
        match resolver.allowed_hosts(entries) {
            Ok(hosts) => drop(allowed.insert(id.clone(), hosts)),
            Err(reason) => problems.push(format!("[component.{id}] {reason}")),
        }
    }
    StartError::from_all(problems)?;
    let mut hosts = InternalHosts::default();
    for (id, target) in &targets.http {
        hosts.add(id, Arc::clone(target));
    }
    Ok(OutboundHttp::new(allowed, Arc::new(Hosts(hosts))))
}

/// `<id>.spin.internal` for outbound HTTP.
struct Hosts(InternalHosts);

impl VirtualHosts for Hosts {
    fn request(
        &self,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<BoxFuture<'static, Result<Response<Body>, HttpFailure>>> {
        let target = Arc::clone(self.0.find(component)?);
        Some(Box::pin(InternalHosts::request(target, caller, request)))
    }
}

fn router(manifest: &Manifest, targets: &Targets) -> Router {
    let mut router = Router::default();
    for trigger in &manifest.http_triggers {
        let HttpRoute::Public(route) = &trigger.route else { continue };
        let destination = match &trigger.target {
            HttpTarget::Static(response) => Destination::Static(Arc::new(response.clone())),
            HttpTarget::Component { id, .. } => match targets.http.get(id) {
                Some(target) => Destination::Component(Arc::clone(target)),
                None => continue,
            },
        };
        router.add(route.clone(), destination);
    }
    router
}

fn routes(manifest: &Manifest) -> Vec<RouteInfo> {
    let public = manifest.http_triggers.iter().filter_map(|trigger| {
        let HttpRoute::Public(route) = &trigger.route else { return None };
        let (name, description) = match &trigger.target {
            HttpTarget::Component { id, .. } => {
                (id.clone(), manifest.components.get(id).and_then(|component| component.description.clone()))
            }
            HttpTarget::Static(_) => (trigger.id.clone(), None),
        };
        let stem = route.raw.strip_suffix("/...").or_else(|| route.raw.strip_suffix("/*")).unwrap_or(&route.raw);
        Some(RouteInfo { name, path: stem.to_string(), wildcard: route.wildcard, description })
    });
    public.collect()
}

fn app_info(manifest: &Manifest) -> AppInfo {
    AppInfo { name: manifest.application.name.clone(), version: manifest.application.version.clone() }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> StartError {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::new(format!(
            "{address} is in use by another program; choose another with `--listen 127.0.0.1:PORT`"
        )),
        _ => StartError::because(format_args!("listen on {address}"), error),
    }
}
