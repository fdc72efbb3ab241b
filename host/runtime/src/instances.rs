//! From a compiled component to its pools: what an instance gets, and which imports are answered by whom.

use crate::components::Compiled;
use crate::error::StartError;
use crate::imports;
use crate::wiring::Wiring;
use kobliat_engine::stdio::LogStream;
use kobliat_engine::{ComponentSpec, Engine, Factor, Limits, Pool, State, StateBuilder, Target};
use kobliat_factor_outbound_http::OutboundHttp;
use kobliat_manifest::Component as Declared;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime_wasi::WasiCtxBuilder;

/// The export by which a component serves HTTP.
const HANDLER: &str = "wasi:http/handler@0.3.0";

/// The callers' view of the components: one target for HTTP, one for typed calls.
#[derive(Default)]
pub struct Targets {
    pub http: BTreeMap<String, Arc<Target>>,
    pub calls: BTreeMap<String, Arc<Target>>,
}

impl Targets {
    pub fn pools(&self) -> impl Iterator<Item = Pool> + '_ {
        self.http.values().chain(self.calls.values()).filter_map(|target| target.pool())
    }
}

pub fn limits_of(component: &Declared) -> Limits {
    let limits = &component.kobliat.limits;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        memory: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX),
        cpu: limits.cpu,
        timeout: limits.timeout,
        concurrency: count(limits.concurrency),
        reuse: count(limits.reuse),
        instances: count(limits.instances),
        queue: count(limits.queue),
        ..Limits::default()
    }
}

/// What the instances of all components are made with.
pub struct Instances {
    pub factors: Vec<Arc<dyn Factor>>,
    pub outbound: Arc<OutboundHttp>,
}

impl Instances {
    /// Gives every target its pool. All components that can not run are named.
    pub fn start(
        &self,
        engine: &Engine,
        components: &BTreeMap<String, Declared>,
        compiled: &Compiled,
        wiring: &Wiring,
        targets: &Targets,
        log_dir: Option<&Path>,
    ) -> Result<(), StartError> {
        let linker =
            self.linker(engine).map_err(|error| StartError::because("prepare the host's interfaces", error))?;
        let mut problems = Vec::new();
        for (id, component) in compiled {
            let Some(declared) = components.get(id) else { continue };
            let missing = imports::missing(id, component, engine.wasmtime());
            if !missing.is_empty() {
                problems.extend(missing);
                continue;
            }
            let mut linker = linker.clone();
            let prepared = wiring
                .add_to_linker(id, &mut linker, &targets.calls)
                .and_then(|()| linker.instantiate_pre(component))
                .map_err(|error| imports::explain(id, &error));
            let served = prepared.and_then(|pre| self.serve(declared, &pre, component, wiring, targets, log_dir));
            problems.extend(served.err());
        }
        StartError::from_all(problems)
    }

    fn linker(&self, engine: &Engine) -> wasmtime::Result<Linker<State>> {
        let mut linker = engine.linker()?;
        for factor in &self.factors {
            factor.add_to_linker(&mut linker)?;
        }
        Ok(linker)
    }

    fn serve(
        &self,
        declared: &Declared,
        pre: &InstancePre<State>,
        component: &Component,
        wiring: &Wiring,
        targets: &Targets,
        log_dir: Option<&Path>,
    ) -> Result<(), String> {
        let id = &declared.id;
        let stdio = Stdio::open(id, log_dir)?;
        if let Some(target) = targets.http.get(id) {
            if component.get_export_index(None, HANDLER).is_none() {
                return Err(format!(
                    "component `{id}` has an HTTP trigger but does not export `{HANDLER}`; build it with spin-sdk 7"
                ));
            }
            target.set(Some(self.pool(declared, pre, &stdio, true, Vec::new())));
        }
        if let Some(target) = targets.calls.get(id) {
            target.set(Some(self.pool(declared, pre, &stdio, false, wiring.functions_of(id))));
        }
        Ok(())
    }

    fn pool(
        &self,
        declared: &Declared,
        pre: &InstancePre<State>,
        stdio: &Stdio,
        http: bool,
        functions: Vec<ComponentExportIndex>,
    ) -> Pool {
        let id: Arc<str> = declared.id.as_str().into();
        let maker = StateMaker {
            component: Arc::clone(&id),
            environment: environment_of(declared),
            stdio: stdio.clone(),
            memory: limits_of(declared).memory,
            factors: self.factors.clone(),
            outbound: Arc::clone(&self.outbound),
        };
        let state = Box::new(move || maker.make());
        Pool::new(Arc::new(ComponentSpec { id, pre: pre.clone(), http, functions, state, limits: limits_of(declared) }))
    }
}

/// What the component was promised in `environment`.
fn environment_of(declared: &Declared) -> Vec<(String, String)> {
    declared.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The output of one component, all its instances together.
#[derive(Clone)]
struct Stdio {
    streams: Option<(LogStream, LogStream)>,
}

impl Stdio {
    fn open(id: &str, log_dir: Option<&Path>) -> Result<Self, String> {
        let Some(dir) = log_dir else { return Ok(Self { streams: None }) };
        let open = |name: String| {
            let path = dir.join(name);
            LogStream::to_file(&path).map_err(|error| format!("failed to open the log `{}`: {error}", path.display()))
        };
        Ok(Self { streams: Some((open(format!("{id}_stdout.txt"))?, open(format!("{id}_stderr.txt"))?)) })
    }
}

/// Makes what each new instance of one component owns.
struct StateMaker {
    component: Arc<str>,
    environment: Vec<(String, String)>,
    stdio: Stdio,
    memory: usize,
    factors: Vec<Arc<dyn Factor>>,
    outbound: Arc<OutboundHttp>,
}

impl StateMaker {
    fn make(&self) -> wasmtime::Result<State> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.environment);
        if let Some((stdout, stderr)) = &self.stdio.streams {
            wasi.stdout(stdout.clone()).stderr(stderr.clone());
        }
        let client = self.outbound.client(&self.component);
        let builder = StateBuilder { component: Arc::clone(&self.component), wasi, client, memory: self.memory };
        let mut state = builder.build();
        for factor in &self.factors {
            factor.prepare_instance(&self.component, &mut state)?;
        }
        Ok(state)
    }
}
