//! From a compiled component to its pools: what an instance gets, and which imports are answered by whom.

use crate::components::no_handler;
use crate::denials;
use crate::imports;
use crate::wiring::{Wiring, links_of};
use kobliat_engine::stdio::{LogStream, LogStreams};
use kobliat_engine::{
    Allowance, ComponentSpec, Engine, Factor, Handler, HandlerError, Least, Limits, Pool, Probing, State, StateBuilder,
    Target,
};
use kobliat_factor_outbound_http::OutboundHttp;
use kobliat_factor_wasi::ComponentWasi;
use kobliat_manifest::Component as Declared;
use kobliat_telemetry::{Kind, Metrics};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime_wasi::WasiCtxBuilder;

/// The callers' view of the components: one target for HTTP, one for typed calls.
#[derive(Default)]
pub struct Targets {
    pub http: BTreeMap<String, Arc<Target>>,
    pub calls: BTreeMap<String, Arc<Target>>,
}

impl Targets {
    pub fn pools(&self) -> impl Iterator<Item = Pool> + '_ {
        self.http
            .values()
            .chain(self.calls.values())
            .flat_map(|target| target.pool().into_iter().chain(target.canary()))
    }
}

/// Without a handler: the limits of its typed calls.
pub fn limits_of(component: &Declared, handler: Option<Handler>) -> Limits {
    let limits = &component.kobliat.limits;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let limits = Limits {
        memory: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX),
        cpu: limits.cpu,
        timeout: limits.timeout,
        concurrency: count(limits.concurrency),
        reuse: count(limits.reuse),
        instances: count(limits.instances),
        queue: count(limits.queue),
        body: limits.body_bytes,
        buffer: limits.buffer_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        idle: limits.idle,
        least: Least {
            concurrency: limits.least.concurrency.map(count),
            reuse: limits.least.reuse.map(count),
            idle: limits.least.idle,
        },
    };
    match handler {
        Some(handler) => handler.limits(limits),
        None => limits,
    }
}

/// What the instances of all components are made with.
pub struct Instances {
    pub linker: Linker<State>,
    pub factors: Vec<Arc<dyn Factor>>,
    pub outbound: Arc<OutboundHttp>,
    /// By component.
    pub wasi: BTreeMap<String, ComponentWasi>,
    pub wiring: Arc<Wiring>,
    pub targets: Arc<Targets>,
    pub links: bool,
    pub log_dir: Option<PathBuf>,
    pub log_streams: Arc<LogStreams>,
    pub metrics: Arc<Metrics>,
}

/// A version of a component that can run: its imports are answered, its exports are what its callers need.
pub struct Runnable {
    pub declared: Arc<Declared>,
    pub component: Component,
    pre: InstancePre<State>,
    handler: Option<Handler>,
    functions: Vec<Option<ComponentExportIndex>>,
    stdio: Stdio,
}

/// The host's own interfaces, which every component shares.
pub fn linker(engine: &Engine, factors: &[Arc<dyn Factor>]) -> wasmtime::Result<Linker<State>> {
    let mut linker = engine.linker()?;
    denials::add_to_linker(&mut linker)?;
    for factor in factors {
        factor.add_to_linker(&mut linker)?;
    }
    Ok(linker)
}

impl Instances {
    /// Checks all that can keep this component from running. `callee` finds the components that it is linked to,
    /// `interfaces` are those by which others are linked to it.
    pub fn prepare<'a>(
        &self,
        declared: &Arc<Declared>,
        component: Component,
        callee: impl Fn(&str) -> Option<Component>,
        interfaces: impl Iterator<Item = &'a str>,
    ) -> Result<Runnable, Vec<String>> {
        let id = &declared.id;
        let missing = imports::missing(id, &component, self.linker.engine());
        if !missing.is_empty() {
            return Err(missing);
        }
        let mut linker = self.linker.clone();
        for (interface, linked) in links_of(declared, self.links) {
            let (Some(exporter), Some(target)) = (callee(linked), self.targets.calls.get(linked)) else { continue };
            let link = self.wiring.link(&mut linker, &component, &exporter, interface, target);
            link.map_err(|why| vec![format!("component `{id}` can not be linked to component `{linked}`: {why}")])?;
        }
        let pre = linker.instantiate_pre(&component);
        let pre = pre.map_err(|error| vec![imports::explain(id, &error)])?;
        let handler = self.targets.http.contains_key(id).then(|| self.handler_of(&component)).transpose();
        let handler = handler.map_err(|error| vec![no_handler(id, &error)])?;
        let functions = self.wiring.functions_of(id, &component, interfaces);
        let stdio = Stdio::open(id, self.log_dir.as_deref(), &self.log_streams).map_err(|why| vec![why])?;
        Ok(Runnable { declared: Arc::clone(declared), component, pre, handler, functions, stdio })
    }

    /// What one pool of this version may have in all.
    pub fn limits(&self, runnable: &Runnable) -> Limits {
        limits_of(&runnable.declared, runnable.handler)
    }

    fn handler_of(&self, component: &Component) -> Result<Handler, HandlerError> {
        let ty = component.component_type();
        let exports: Vec<&str> = ty.exports(self.linker.engine()).map(|(name, _)| name).collect();
        Handler::among(exports.iter().copied())
    }

    /// The pool of requests.
    pub fn http_pool(&self, runnable: &Runnable, version: &str) -> Pool {
        self.pool(runnable, runnable.handler, version)
    }

    /// The pool of typed calls.
    pub fn calls_pool(&self, runnable: &Runnable, version: &str) -> Pool {
        self.pool(runnable, None, version)
    }

    /// A pool of one instance that can change nothing.
    pub fn probe_pool(&self, runnable: &Runnable) -> Pool {
        Pool::new(Arc::new(self.spec(runnable, runnable.handler, None)))
    }

    /// The same for a component that serves no HTTP.
    pub fn probe_spec(&self, runnable: &Runnable) -> ComponentSpec {
        self.spec(runnable, None, None)
    }

    fn pool(&self, runnable: &Runnable, handler: Option<Handler>, version: &str) -> Pool {
        Pool::new(Arc::new(self.spec(runnable, handler, Some(version))))
    }

    /// Without a version it is one that is only probed.
    fn spec(&self, runnable: &Runnable, handler: Option<Handler>, version: Option<&str>) -> ComponentSpec {
        let declared = &runnable.declared;
        let id: Arc<str> = declared.id.as_str().into();
        let limits = limits_of(declared, handler);
        let maker = StateMaker {
            component: Arc::clone(&id),
            wasi: self.wasi.get(&declared.id).cloned(),
            stdio: runnable.stdio.clone(),
            memory: limits.memory,
            factors: self.factors.clone(),
            outbound: Arc::clone(&self.outbound),
            probing: version.is_none(),
        };
        let functions = if handler.is_some() { Vec::new() } else { runnable.functions.clone() };
        let pre = runnable.pre.clone();
        let metrics = self.metrics.pool(&declared.id, if handler.is_some() { Kind::Http } else { Kind::Call });
        let state = Box::new(move || maker.make());
        ComponentSpec {
            id,
            version: version.unwrap_or("probe").into(),
            pre,
            handler,
            functions,
            state,
            limits,
            metrics,
        }
    }
}

/// The output of one component, all its instances together.
#[derive(Clone)]
struct Stdio {
    streams: Option<(LogStream, LogStream)>,
}

impl Stdio {
    fn open(id: &str, log_dir: Option<&Path>, streams: &LogStreams) -> Result<Self, String> {
        let Some(dir) = log_dir else { return Ok(Self { streams: None }) };
        let open = |name: String| {
            let path = dir.join(name);
            streams.to_file(&path).map_err(|error| format!("failed to open the log `{}`: {error}", path.display()))
        };
        Ok(Self { streams: Some((open(format!("{id}_stdout.txt"))?, open(format!("{id}_stderr.txt"))?)) })
    }
}

/// Makes what each new instance of one component owns.
struct StateMaker {
    component: Arc<str>,
    wasi: Option<ComponentWasi>,
    stdio: Stdio,
    memory: usize,
    factors: Vec<Arc<dyn Factor>>,
    outbound: Arc<OutboundHttp>,
    /// The instance only probes a new version.
    probing: bool,
}

impl StateMaker {
    fn make(&self) -> wasmtime::Result<State> {
        let mut wasi = WasiCtxBuilder::new();
        if let Some(share) = &self.wasi {
            share.configure(&mut wasi, self.probing)?;
        }
        if let Some((stdout, stderr)) = &self.stdio.streams {
            wasi.stdout(stdout.clone()).stderr(stderr.clone());
        }
        let allowance = Allowance::for_memory(self.memory);
        let client = self.outbound.client(&self.component, allowance.clone(), self.probing);
        let component = Arc::clone(&self.component);
        let builder = StateBuilder { component, wasi, client, memory: self.memory, allowance };
        let mut state = builder.build();
        if self.probing {
            state.insert(Probing);
        }
        for factor in &self.factors {
            factor.prepare_instance(&self.component, &mut state)?;
        }
        Ok(state)
    }
}
