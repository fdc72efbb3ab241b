//! What one instance owns on the host's side: the data of its wasmtime store.

use crate::allowance::{Allowance, Exhausted};
use crate::budget::PollClock;
use crate::context::CallContext;
use crate::http_client::{Hooks, HttpClient};
use crate::limits::MemoryLimiter;
use crate::resources::{self, Watchman};
use kobliat_telemetry::Trace;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use wasmtime::StoreContextMut;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The most guest tasks whose context is remembered after they have answered (work that goes on after a response).
const FINISHED_TASKS: usize = 64;

/// The data of one store. Factors keep theirs in it by type.
pub struct State {
    component: Arc<str>,
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    pub(crate) limiter: MemoryLimiter,
    /// Told of the tasks; `None` until the store is made.
    pub(crate) clock: Option<Arc<PollClock>>,
    allowance: Allowance,
    watchman: Watchman,
    /// The newest last. A few dozen at most, of which mostly the last ones are asked for.
    tasks: Vec<(GuestTaskId, Task)>,
    /// Some of the tasks may be in a trace that is recorded.
    traced: bool,
    extensions: HashMap<TypeId, Box<dyn Any + Send + Sync>, BuildHasherDefault<IdHasher>>,
}

struct Task {
    context: CallContext,
    finished: bool,
}

/// A type's id is a hash already. It is asked for with every call of the host.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// In the state of an instance that only probes a new version: factors let it change nothing.
pub struct Probing;

/// What the runtime decides about a component's instances: stdio, environment, outbound HTTP.
pub struct StateBuilder {
    pub component: Arc<str>,
    pub wasi: WasiCtxBuilder,
    pub client: Box<dyn HttpClient>,
    pub memory: usize,
    /// What the host may hold for the instance; the client counts there, too.
    pub allowance: Allowance,
}

impl StateBuilder {
    pub fn build(mut self) -> State {
        let (mut table, mut http) = (ResourceTable::new(), WasiHttpCtx::new());
        table.set_max_capacity(resources::MOST);
        http.set_field_size_limit(resources::FIELDS);
        State {
            component: self.component,
            table,
            wasi: self.wasi.build(),
            http,
            hooks: Hooks::new(self.client),
            limiter: MemoryLimiter::new(self.memory),
            clock: None,
            watchman: Watchman::new(&self.allowance),
            allowance: self.allowance,
            tasks: Vec::new(),
            traced: false,
            extensions: HashMap::default(),
        }
    }
}

impl State {
    /// The id of the component that this is an instance of.
    pub fn component(&self) -> &Arc<str> {
        &self.component
    }

    /// What the host may hold for this instance.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Why the instance must end: the host holds more for it than it may.
    pub(crate) fn exhausted(&self) -> Option<Exhausted> {
        self.watchman.is_exhausted().then(|| Exhausted { limit: self.allowance.limit() })
    }

    /// Weighs what the guest has, now and then.
    fn look(&mut self) {
        if self.watchman.look(&mut self.table) {
            self.hooks.refuse_fields();
        }
    }

    /// Stores a factor's data for this instance, one value a type.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.extensions.insert(TypeId::of::<T>(), Box::new(value));
    }

    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.extensions.get(&TypeId::of::<T>())?.downcast_ref()
    }

    pub fn get_mut<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        self.extensions.get_mut(&TypeId::of::<T>())?.downcast_mut()
    }

    /// A factor's data together with the resource table, which calls often need at once.
    pub fn get_with_table<T: Any + Send + Sync>(&mut self) -> Option<(&mut T, &mut ResourceTable)> {
        let value = self.extensions.get_mut(&TypeId::of::<T>())?.downcast_mut()?;
        Some((value, &mut self.table))
    }

    pub(crate) fn hooks(&mut self) -> &mut Hooks {
        &mut self.hooks
    }

    pub(crate) fn start_task(&mut self, task: GuestTaskId, context: CallContext) {
        if self.tasks.len() > FINISHED_TASKS {
            self.tasks.retain(|(_, task)| !task.finished);
            self.traced = self.tasks.iter().any(|(_, task)| task.context.trace.is_recorded());
        }
        if let Some(clock) = &self.clock {
            clock.task_begins(task);
        }
        self.traced |= context.trace.is_recorded();
        self.tasks.push((task, Task { context, finished: false }));
    }

    /// The same for the only job that this instance will ever have: all that it does is on its behalf.
    pub(crate) fn start_alone(&mut self, task: GuestTaskId, context: CallContext) {
        self.hooks.serve_only(context.clone());
        self.start_task(task, context);
    }

    pub(crate) fn finish_task(&mut self, task: GuestTaskId) {
        if let Some((_, task)) = self.tasks.iter_mut().rev().find(|(id, _)| *id == task) {
            task.finished = true;
        }
    }

    /// The trace of the one request that is served, for who can not ask [`current_trace`]; none where there are several.
    pub fn only_trace(&self) -> Trace {
        if !self.traced {
            return Trace::default();
        }
        let mut running = self.tasks.iter().map(|(_, task)| task).filter(|task| !task.finished);
        match (running.next(), running.next()) {
            (Some(only), None) => only.context.trace.clone(),
            _ => Trace::default(),
        }
    }

    pub(crate) fn task_context(&self, task: GuestTaskId) -> Option<&CallContext> {
        self.tasks.iter().rev().find(|(id, _)| *id == task).map(|(_, task)| &task.context)
    }
}

/// The context of the request or call on whose behalf the guest is calling the host right now.
///
/// Valid while a host function is first polled. Work that a guest does after its answer keeps the answered request's
/// context while that is remembered, and is detached ([`CallContext::detached`]) otherwise.
pub fn current_context(mut store: StoreContextMut<'_, State>) -> CallContext {
    let stack: Vec<GuestTaskId> = match store.async_call_stack() {
        Ok(stack) => stack.collect(),
        Err(_) => Vec::new(),
    };
    let state = store.data();
    stack.into_iter().find_map(|task| state.task_context(task).cloned()).unwrap_or_else(CallContext::detached)
}

/// The trace of [`current_context`], where it is recorded. It costs next to nothing where nothing is.
pub fn current_trace(store: StoreContextMut<'_, State>) -> Trace {
    if store.data().traced { current_context(store).trace } else { Trace::default() }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.look();
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.look();
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}
