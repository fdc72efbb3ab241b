//! The start: everything is read, checked, compiled and bound, or refused with every reason.

use crate::admin;
use crate::app::Runtime;
use crate::compiler::Compiler;
use crate::components::{self, Whole, used};
use crate::error::StartError;
use crate::events::{self, Deliveries, EventsHost};
use crate::factors::{Factors, Settings};
use crate::instances::{Instances, Targets, limits_of, linker};
use crate::lifecycle::{Archive, Lifecycle, Workshop};
use crate::logs;
use crate::metrics_page::MetricsPage;
use crate::middleware;
use crate::options::Options;
use crate::outbound::{outbound, policies};
use crate::overrides;
use crate::platform_config::PlatformConfig;
use crate::routes;
use crate::runtime_config::RuntimeConfig;
use crate::state_dir::StateDir;
use crate::tick;
use crate::unsupported;
use crate::wasi;
use crate::wiring::{Wiring, links_of};
use kobliat_admin::{Admin, Listeners, RouteGroup};
use kobliat_engine::{ComponentCache, Engine, EngineOptions, Limits, PlatformHosts, Target};
use kobliat_events::Handler;
use kobliat_events::admin::EventRoutes;
use kobliat_factor_variables::{Resolver, SecretsFile, Sources};
use kobliat_manifest::{HttpTarget, Manifest};
use kobliat_telemetry::Metrics;
use kobliat_trigger_http::{Server, ServerOptions, Service, Tls};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Open connections at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

impl Runtime {
    /// Reads, checks, compiles and binds; when it returns, the platform answers.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut manifest = Manifest::load(&options.manifest).map_err(|errors| StartError::new(errors.to_string()))?;
        let config = RuntimeConfig::load(options.runtime_config.as_deref(), &manifest.dir)?;
        overrides::apply(&mut manifest, &options, config.max_instance_memory())?;
        unsupported::refuse(&manifest)?;
        let platform_config = PlatformConfig::load(config.dir())?;
        let manifest = middleware::apart(manifest);
        let state_dir = options.state_dir.clone().or_else(|| config.state_dir());
        let state_dir = StateDir::open(state_dir.unwrap_or_else(|| manifest.dir.join(".kobliat")))?;
        let secrets = SecretsFile::in_state_dir(state_dir.path());
        let resolver = resolve_variables(&options, &config, &manifest, &secrets)?;
        let log_dir = logs::directory(&options, &config, state_dir.path());

        let archive = Archive::open(state_dir.path());
        let archive = Arc::new(archive.map_err(|error| StartError::because("use the versions of components", error))?);
        if options.reset {
            archive.reset();
        }
        let wholes = components::read(&manifest, &archive, options.links)?;
        let engine_options = engine_options(&manifest, &wholes, options.pooling);
        let engine = Engine::new(&engine_options);
        let engine = engine.map_err(|error| StartError::because("start the component engine", error))?;
        let cached = options.compile_cache.then(|| state_dir.component_cache());
        let cache = ComponentCache::new(engine.clone(), cached.as_deref())
            .map_err(|error| StartError::because("use the cache of compiled components", error))?;
        let compiled = components::compile(wholes, &cache, options.progress)?;
        let targets = Arc::new(targets(&manifest, options.links));
        let settings = Settings {
            manifest: &manifest,
            config: &config,
            resolver: &resolver,
            state_dir: state_dir.path(),
            options: &options,
        };
        let factors = Factors::new(&settings).await?;
        let metrics = Arc::new(Metrics::default());
        let page = Arc::new(MetricsPage::new(Arc::clone(&metrics), Arc::clone(&targets), &factors));
        let platform = Arc::new(PlatformHosts::default());
        let policies = policies(&settings)?;
        let wasi = wasi::prepare(&settings, &policies)?;
        let outbound = Arc::new(outbound(&settings, policies, &targets, &platform)?);
        let broker = events::open(&manifest, &platform_config.events, &resolver, &targets, state_dir.path()).await?;
        if let Some(broker) = &broker {
            platform.add(events::HOST, Arc::new(EventsHost(Arc::clone(broker))));
        }
        let manifest = Arc::new(manifest);
        let instances = Instances {
            linker: linker(&engine, &factors.all())
                .map_err(|error| StartError::because("prepare the host's interfaces", error))?,
            factors: factors.all(),
            outbound,
            wasi,
            wiring: Wiring::default(),
            targets: Arc::clone(&targets),
            links: options.links,
            log_dir: log_dir.clone(),
            metrics: Arc::clone(&metrics),
        };
        logs::begin(&options, log_dir.as_deref(), compiled.keys())?;
        let workshop = Workshop {
            archive,
            compiler: Compiler {
                cache: ComponentCache::new(engine.clone(), Some(&state_dir.component_cache()))
                    .map_err(|error| StartError::because("keep compiled components", error))?,
                directory: state_dir.component_cache(),
                engine: engine_options,
                program: options.compiler.clone(),
            },
            databases: factors.schemas(),
        };
        let lifecycle = Arc::new(Lifecycle::start(instances, Arc::clone(&manifest), &compiled, workshop)?);
        let (admin, listeners) = open_admin(&lifecycle, &manifest, &platform, state_dir.path(), &options).await?;
        admin.add(Arc::clone(&page) as Arc<dyn RouteGroup>);

        let service = Service::new(routes::router(&manifest, &targets), routes::app_info(&manifest));
        let server = bind(&options, service)?;
        let address = server.local_addr().map_err(|error| StartError::because("learn the port", error))?;

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stopped = stop.clone();
        let drain = options.drain;
        let admin_address = listeners.address();
        tasks.spawn(listeners.serve(Arc::clone(&admin), stop.clone()));
        tasks.spawn(async move { server.serve(stopped.cancelled_owned(), drain).await });
        for (id, component) in &manifest.components {
            if let (Some(period), Some(target)) = (component.kobliat.tick, targets.http.get(id)) {
                tick::start(&tasks, stop.clone(), Arc::clone(target), period);
            }
        }
        if let Some(broker) = &broker {
            admin.add(Arc::new(EventRoutes(Arc::clone(broker))));
            let deliveries: Arc<dyn Handler> = Arc::new(Deliveries(Arc::clone(&targets)));
            broker.run(&deliveries, &tasks, &stop);
        }
        Ok(Self {
            address,
            routes: routes::routes(&manifest),
            state_dir,
            log_dir,
            secrets: secrets.path().to_path_buf(),
            generated: resolver.generated().to_vec(),
            lifecycle,
            admin,
            admin_address,
            factors,
            broker,
            platform,
            metrics: page,
            stop,
            tasks,
            drain,
        })
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

fn engine_options(manifest: &Manifest, wholes: &BTreeMap<String, Whole>, pooling: bool) -> EngineOptions {
    let limits = wholes.iter().filter_map(|(id, whole)| Some(limits_of(manifest.components.get(id)?, whole.handler)));
    let limits: Vec<Limits> = limits.collect();
    EngineOptions { pooling, ..EngineOptions::for_components(limits.iter()) }
}

/// Every component with an HTTP trigger, and every callee of a link.
fn targets(manifest: &Manifest, links: bool) -> Targets {
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
    let used = used(manifest, links);
    let importers = manifest.components.values().filter(|component| used.contains(&component.id));
    let callees = importers.flat_map(|component| links_of(component, links)).map(|(_, callee)| callee.to_owned());
    Targets { http, calls: callees.map(|id| target(&id)).collect() }
}

/// The admin surface with the platform's own routes, bound and not yet serving.
async fn open_admin(
    lifecycle: &Arc<Lifecycle>,
    manifest: &Manifest,
    platform: &PlatformHosts,
    state_dir: &Path,
    options: &Options,
) -> Result<(Arc<Admin>, Listeners), StartError> {
    let admin = Arc::new(Admin::default());
    admin.add(Arc::new(admin::Components::new(Arc::clone(lifecycle))));
    platform.add(admin::HOST, Arc::new(admin::VirtualHost::new(Arc::clone(&admin), manifest)));
    let listeners = Listeners::bind(state_dir, options.admin_listen).await;
    let listeners = listeners.map_err(|error| StartError::because("open the admin surface", error))?;
    Ok((admin, listeners))
}

fn bind(options: &Options, service: Arc<Service>) -> Result<Server, StartError> {
    let tls = options.tls.clone().map(Tls::load).transpose();
    let server = ServerOptions {
        listen: options.listen,
        find_free_port: options.find_free_port,
        max_connections: MAX_CONNECTIONS,
        tls: tls.map_err(|error| StartError::new(error.to_string()))?,
    };
    Server::bind(server, service).map_err(|error| cannot_listen(options.listen, &error))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> StartError {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::new(format!(
            "{address} is in use by another program; choose another with `--listen 127.0.0.1:PORT`, or let `--find-free-port` do it"
        )),
        _ => StartError::because(format_args!("listen on {address}"), error),
    }
}
