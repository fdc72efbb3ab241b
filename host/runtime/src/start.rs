//! The start: everything is read, checked, compiled and bound, or refused with every reason.

use crate::admin;
use crate::app::Runtime;
use crate::compiler::{Compiler, drafts_in};
use crate::components::{self, Compiled, Whole};
use crate::descriptors;
use crate::downloads;
use crate::error::StartError;
use crate::events::{self, Deliveries, EventsHost};
use crate::factors::{Factors, Settings};
use crate::instances::{limits_of, linker};
use crate::lifecycle::{Archive, Lifecycle, Workshop};
use crate::live::Live;
use crate::logs;
use crate::metrics_page::MetricsPage;
use crate::options::Options;
use crate::reading::Reading;
use crate::state_dir::StateDir;
use crate::telemetry;
use crate::tick::Ticks;
use crate::world::{Ground, World, resolve};
use kobliat_admin::{Admin, Listeners, RouteGroup};
use kobliat_engine::stdio::LogStreams;
use kobliat_engine::{ComponentCache, Engine, EngineOptions, Limits, PlatformHosts};
use kobliat_events::admin::EventRoutes;
use kobliat_events::{Broker, Handler};
use kobliat_factor_variables::SecretsFile;
use kobliat_manifest::Manifest;
use kobliat_telemetry::Metrics;
use kobliat_trigger_http::{Server, ServerOptions, Service, Tls};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Room for components that a later manifest adds, and for larger ones. It is address space, not memory.
const LEAST_INSTANCES: u32 = 256;
const LEAST_MEMORY: usize = 1 << 30;

impl Runtime {
    /// Reads, checks, compiles and binds; when it returns, the platform answers.
    pub async fn start(mut options: Options) -> Result<Self, StartError> {
        let mut reading = Reading::of(&options)?;
        let rules = reading.platform.http.rules(descriptors::available())?;
        options.tls = options.tls.or_else(|| reading.tls());
        let state_dir = options.state_dir.clone().or_else(|| reading.config.state_dir());
        let own = &reading.manifest.dir;
        let state_dir = StateDir::open(state_dir.unwrap_or_else(|| own.join(".kobliat")), own)?;
        reading.fetch(&downloads::folder(state_dir.path(), &options), &options).await?;
        let secrets = SecretsFile::in_state_dir(state_dir.path());
        let resolver = resolve(&options, &reading, &secrets)?;
        let generated = resolver.generated().to_vec();
        let log_dir = logs::directory(&options, &reading.config, state_dir.path());

        let archive = Archive::open(state_dir.path());
        let archive = Arc::new(archive.map_err(|error| StartError::because("use the versions of components", error))?);
        if options.reset {
            archive.reset().map_err(|error| StartError::because("return to the manifest's versions", error))?;
        }
        let wholes = components::read(&reading.manifest, &archive, options.links)?;
        let engine_options = engine_options(&reading.manifest, &wholes, options.pooling);
        let engine = Engine::new(&engine_options);
        let engine = engine.map_err(|error| StartError::because("start the component engine", error))?;
        let compiled = compile(wholes, &engine, &options, &state_dir)?;

        let settings = Settings {
            manifest: &reading.manifest,
            config: &reading.config,
            resolver: &resolver,
            state_dir: state_dir.path(),
            options: &options,
        };
        let factors = Arc::new(Factors::new(&settings).await?);
        let (live, platform) = (Arc::new(Live::default()), Arc::new(PlatformHosts::default()));
        let metrics = Arc::new(Metrics::default());
        let page = Arc::new(MetricsPage::new(Arc::clone(&metrics), Arc::clone(&live), &factors));
        let (name, told) = (&reading.manifest.application.name, reading.telemetry(&options)?);
        let telemetry = Arc::new(telemetry::open(name, state_dir.path(), &told, &options.log, &page)?);
        let tracer = Arc::clone(telemetry.telemetry().tracer());
        logs::begin(&options, log_dir.as_deref(), compiled.keys(), reading.platform.logs.bounds())?;
        let log_bounds = reading.platform.logs.bounds();
        let ground = Ground {
            state_dir: state_dir.path().to_path_buf(),
            log_dir: log_dir.clone(),
            log_streams: Arc::new(LogStreams::bounded(log_bounds)),
            linker: linker(&engine, &factors.all())
                .map_err(|error| StartError::because("prepare the host's interfaces", error))?,
            http: reading.config.http_options(),
            metrics,
            wiring: Arc::default(),
            platform: Arc::clone(&platform),
            live: Arc::clone(&live),
            worlds: AtomicU32::default(),
            options: options.clone(),
        };
        let world = ground.world(reading, resolver, Arc::clone(&factors), None)?;
        let broker = open_broker(&world, state_dir.path()).await?;
        if let Some(broker) = &broker {
            page.show_broker(broker);
            platform.add(events::HOST, Arc::new(EventsHost(Arc::clone(broker))));
        }

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        // Those of the last run are compiled in full now.
        let compiled_dir = compiled_in(&options, &state_dir);
        drop(std::fs::remove_dir_all(drafts_in(&compiled_dir)));
        let workshop = Workshop {
            ground,
            ticks: Ticks::new(tasks.clone(), stop.clone()),
            has_broker: broker.is_some(),
            archive,
            compiler: Compiler {
                cache: ComponentCache::new(engine.clone(), Some(&compiled_dir))
                    .map_err(|error| StartError::because("keep compiled components", error))?,
                drafts: ComponentCache::new(engine.clone(), Some(&drafts_in(&compiled_dir)))
                    .map_err(|error| StartError::because("keep compiled components", error))?,
                directory: compiled_dir,
                engine: engine_options,
                program: options.compiler.clone(),
            },
            databases: factors.schemas(),
        };
        let lifecycle = Arc::new(Lifecycle::start(world, &compiled, workshop)?);
        lifecycle.probe_at_start().await?;
        let (admin, listeners) = open_admin(&lifecycle, &live, &platform, state_dir.path(), &options).await?;
        admin.add(Arc::clone(&page) as Arc<dyn RouteGroup>);
        admin.add(Arc::clone(&telemetry) as Arc<dyn RouteGroup>);

        let service = Service::new(Arc::clone(&live.site), Arc::clone(&tracer), options.max_head, rules);
        let server = bind(&options, service)?;
        let address = server.local_addr().map_err(|error| StartError::because("learn the port", error))?;
        let (stopped, drain) = (stop.clone(), options.drain);
        let admin_address = listeners.address();
        tasks.spawn(listeners.serve(Arc::clone(&admin), stop.clone()));
        tasks.spawn(async move { server.serve(stopped.cancelled_owned(), drain).await });
        lifecycle.start_ticks();
        if let Some(broker) = &broker {
            admin.add(Arc::new(EventRoutes(Arc::clone(broker))));
            lifecycle.on_rollback(events::tell_rollbacks(broker, &tasks));
            let deliveries: Arc<dyn Handler> = Arc::new(Deliveries { live, tracer });
            broker.run(&deliveries, &tasks, &stop);
        }
        Ok(Self {
            address,
            tls: options.tls.is_some(),
            state_dir,
            log_dir,
            secrets: secrets.path().to_path_buf(),
            generated,
            lifecycle,
            admin,
            admin_address,
            factors,
            broker,
            platform,
            metrics: page,
            telemetry,
            stop,
            tasks,
            drain,
        })
    }
}

/// Where compiled components are kept.
fn compiled_in(options: &Options, state_dir: &StateDir) -> PathBuf {
    options.compiled_dir.clone().unwrap_or_else(|| state_dir.component_cache())
}

fn compile(
    wholes: BTreeMap<String, Whole>,
    engine: &Engine,
    options: &Options,
    state_dir: &StateDir,
) -> Result<Compiled, StartError> {
    let cached = options.compile_cache.then(|| compiled_in(options, state_dir));
    let cache = ComponentCache::new(engine.clone(), cached.as_deref())
        .map_err(|error| StartError::because("use the cache of compiled components", error))?;
    components::compile(wholes, &cache, options.progress)
}

async fn open_broker(world: &World, state_dir: &Path) -> Result<Option<Arc<Broker>>, StartError> {
    let config = &world.reading.platform.events;
    events::open(world.manifest(), config, &world.resolver, &world.instances.targets, state_dir).await
}

fn engine_options(manifest: &Manifest, wholes: &BTreeMap<String, Whole>, pooling: bool) -> EngineOptions {
    let limits = wholes.iter().filter_map(|(id, whole)| Some(limits_of(manifest.components.get(id)?, whole.handler)));
    let limits: Vec<Limits> = limits.collect();
    let asked = EngineOptions::for_components(limits.iter());
    let (instances, max_memory) = (asked.instances.max(LEAST_INSTANCES), asked.max_memory.max(LEAST_MEMORY));
    EngineOptions { instances, max_memory, pooling }
}

/// The admin surface with the platform's own routes, bound and not yet serving.
async fn open_admin(
    lifecycle: &Arc<Lifecycle>,
    live: &Arc<Live>,
    platform: &PlatformHosts,
    state_dir: &Path,
    options: &Options,
) -> Result<(Arc<Admin>, Listeners), StartError> {
    let admin = Arc::new(Admin::default());
    admin.add(Arc::new(admin::Components::new(Arc::clone(lifecycle))));
    admin.add(Arc::new(admin::Application::new(Arc::clone(lifecycle))));
    platform.add(admin::HOST, Arc::new(admin::VirtualHost::new(Arc::clone(&admin), Arc::clone(live))));
    let listeners = Listeners::bind(state_dir, options.admin_listen).await;
    let listeners = listeners.map_err(|error| StartError::because("open the admin surface", error))?;
    Ok((admin, listeners))
}

fn bind(options: &Options, service: Arc<Service>) -> Result<Server, StartError> {
    let tls = options.tls.clone().map(Tls::load).transpose();
    let server = ServerOptions {
        listen: options.listen,
        find_free_port: options.find_free_port,
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
