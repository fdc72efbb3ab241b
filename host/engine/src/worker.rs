//! A worker owns one store with one instance and runs the jobs that it takes from its pool, several at a time.
//!
//! The store's event loop runs inside `Store::run_concurrent`; whatever must hold even when a guest blocks that loop
//! (deadlines, handing back a job that cannot start) is done outside it, in [`Watch`].

mod body;
mod fresh;
mod in_flight;
mod jobs;
mod streams;
#[cfg(test)]
mod tests;
mod watch;

use crate::budget::{self, OverBudget, PollClock, shortest_slice};
use crate::handler::Handler;
use crate::job::CallError;
use crate::limits::Limits;
use crate::resources;
use crate::state::{State, current_context};
use in_flight::Exports;
use jobs::Jobs;
use kobliat_telemetry::PoolMetrics;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tracing::warn;
use wasmtime::component::{Accessor, ComponentExportIndex, InstancePre};
use wasmtime::{AsContextMut, Store};
use watch::Watch;

pub(crate) use crate::pool::WorkerGuard;

/// The most bytes that one call from guest to host may lift: what a host function copies is the guest's choice.
const HOSTCALL_FUEL: usize = 64 << 20;

/// How long the answers of an instance that died may still be taken. Those that are whole need no more than a moment, and
/// would be taken for broken off once the store has gone.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// One version of one component, ready to be instantiated.
pub struct ComponentSpec {
    /// The id in spin.toml.
    pub id: Arc<str>,
    /// Which of its versions this is, for people.
    pub version: Arc<str>,
    pub pre: InstancePre<State>,
    /// Jobs are HTTP requests, and this is how the component takes them; without it they are typed calls.
    pub handler: Option<Handler>,
    /// The functions that typed calls may name by their position; `None` where this version has no such function.
    pub functions: Vec<Option<ComponentExportIndex>>,
    /// Makes what a new instance owns.
    pub state: Box<dyn Fn() -> wasmtime::Result<State> + Send + Sync>,
    pub limits: Limits,
    /// Where its instances are counted.
    pub metrics: Arc<PoolMetrics>,
}

impl ComponentSpec {
    /// The depth of the jobs that use the component's places proper; deeper ones have a reserve beside them.
    pub(crate) fn least_depth(&self) -> usize {
        if self.handler.is_some() { 0 } else { 1 }
    }
}

impl ComponentSpec {
    /// A component that has nothing and whose instances can not be made, for tests of what is around them.
    #[cfg(test)]
    pub(crate) fn without_exports(limits: Limits) -> Self {
        const EMPTY: &[u8] = b"\0asm\x0d\x00\x01\x00";
        let engine = wasmtime::Engine::default();
        let component = wasmtime::component::Component::new(&engine, EMPTY).expect("an empty component");
        let pre = wasmtime::component::Linker::new(&engine).instantiate_pre(&component).expect("it imports nothing");
        Self {
            id: "nothing".into(),
            version: "".into(),
            pre,
            handler: None,
            functions: Vec::new(),
            state: Box::new(|| Err(wasmtime::format_err!("a test needs no instance"))),
            limits,
            metrics: PoolMetrics::unregistered(),
        }
    }

    fn clock(&self) -> Arc<PollClock> {
        PollClock::new(Arc::clone(&self.metrics), self.limits.cpu)
    }

    /// Starts an instance and lets it go again: the last thing that can keep a version from running.
    pub async fn try_start(&self) -> wasmtime::Result<()> {
        start(self, &self.clock(), None).await.map(drop)
    }
}

/// Runs one instance until it is idle for long, worn out, closed or dead.
pub(crate) async fn run(mut guard: WorkerGuard) {
    let dispatch = Arc::clone(guard.dispatch());
    let spec = Arc::clone(&dispatch.spec);
    let clock = spec.clock();
    let (mut store, exports) = match start(&spec, &clock, Some(&dispatch.memory)).await {
        Ok(started) => started,
        Err(error) => {
            warn!(component = %spec.id, "failed to start an instance of component `{}`: {error:#}", spec.id);
            dispatch.statistics.trapped();
            let why = format!("{:#}", error.root_cause());
            dispatch.refuse_queued(&CallError::Start(why.clone()));
            guard.failed(why);
            return;
        }
    };
    guard.started();
    spec.metrics.instance_started();
    if let Err(error) = serve(&mut store, &exports, &guard, &clock).await {
        exports.note_death();
        if dispatch.has_ended() {
            return;
        }
        dispatch.statistics.trapped();
        let request = request_of(&mut store, &error);
        warn!(component = %spec.id, request_id = %request,
            "an instance of component `{}` died (request `{request}`): {error:#}", spec.id);
    }
}

/// The request that an instance died of.
fn request_of(store: &mut Store<State>, error: &wasmtime::Error) -> Arc<str> {
    let over = error.downcast_ref::<OverBudget>().and_then(|over| over.task);
    match over.and_then(|task| store.data().task_context(task)) {
        Some(context) => Arc::clone(&context.request_id),
        None => current_context(store.as_context_mut()).request_id,
    }
}

/// Makes the store and the instance within the limits of one request.
async fn start(
    spec: &ComponentSpec,
    clock: &Arc<PollClock>,
    gauge: Option<&Arc<AtomicUsize>>,
) -> wasmtime::Result<(Store<State>, Exports)> {
    let mut state = (spec.state)()?;
    if let Some(gauge) = gauge {
        state.limiter.count_in(Arc::clone(gauge));
    }
    state.limiter.report_to(Arc::clone(&spec.metrics), Arc::clone(&spec.id));
    state.allowance().report_to(Arc::clone(&spec.metrics), Arc::clone(&spec.id));
    let mut store = Store::new(spec.pre.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_FUEL);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(resources::MOST);
    }
    store.set_max_component_handles(resources::MOST);
    budget::install(&mut store, Arc::clone(clock));
    let exports = {
        let mut instantiating = pin!(Exports::instantiate(spec, &mut store));
        let metered = poll_fn(|context| clock.poll(instantiating.as_mut(), context));
        tokio::time::timeout(spec.limits.timeout, metered)
            .await
            .map_err(|_| wasmtime::format_err!("did not start within {} ms", spec.limits.timeout.as_millis()))??
    };
    Ok((store, exports))
}

/// Drives the store's event loop, and the watch around it.
async fn serve(
    store: &mut Store<State>,
    exports: &Exports,
    guard: &WorkerGuard,
    clock: &PollClock,
) -> wasmtime::Result<()> {
    let limits = &guard.dispatch().spec.limits;
    let share = limits.share();
    let watch = Watch::new(share.idle, limits.timeout);
    let mut event_loop = pin!(store.run_concurrent(async |accessor: &Accessor<State>| {
        let mut jobs = Jobs::new(accessor, exports, guard, &watch, clock, share);
        poll_fn(|context| jobs.poll(context)).await
    }));
    let served = poll_fn(|context| {
        let turn = poll_turn(event_loop.as_mut(), guard, clock, &watch, context);
        if turn.is_ready() {
            return turn;
        }
        // A guest that yields often is seldom there at a tick.
        if let Some(over) = clock.over_budget() {
            return Poll::Ready(Ok(Err(over.into())));
        }
        watch.poll(context, guard.dispatch().has_ended()).map(|()| {
            // Nobody waits for what a client has left behind: no fault of the component.
            if watch.is_abandoned() {
                return Ok(Ok(()));
            }
            Err(wasmtime::format_err!("overran the deadline of its requests"))
        })
    })
    .await
    .flatten();
    if served.is_err() {
        drop(tokio::time::timeout(LAST_ANSWERS, watch.streams().ended()).await);
    }
    served
}

/// Polls the event loop until all that it has begun waits for something, or it has held the thread for long enough.
fn poll_turn<F: Future>(
    mut event_loop: Pin<&mut F>,
    guard: &WorkerGuard,
    clock: &PollClock,
    watch: &Watch,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    let (dispatch, slot) = (guard.dispatch(), guard.slot());
    let mut held = Duration::ZERO;
    loop {
        let had_job = slot.is_filled();
        let polled = clock.poll(event_loop.as_mut(), context);
        if polled.is_ready() {
            return polled;
        }
        held += clock.took();
        if held >= shortest_slice() {
            // Others may have waited for it.
            dispatch.give_back(slot);
            // That took this worker off the waiting stack. If it has come to rest, it must be polled to be on it again.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if had_job && slot.is_filled() {
            // The guest waits in a call that holds its instance, so that the loop has not come to look for jobs.
            dispatch.give_back(slot);
            return Poll::Pending;
        }
        // Pending says that all tasks wait, so that one more job would not compete for this instance's CPU.
        if !watch.settle() {
            return Poll::Pending;
        }
    }
}

/// When the job that finished had to be done.
type Deadline = Instant;
