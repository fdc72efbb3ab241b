//! A worker owns one store with one instance and runs the jobs that it takes from its pool, several at a time.
//!
//! The store's event loop runs inside `Store::run_concurrent`; whatever must hold even when a guest blocks that loop
//! (deadlines, handing back a job that cannot start) is done outside it, in [`Watch`].

mod body;
mod fresh;
mod in_flight;
mod watch;

use crate::budget::{self, PollClock};
use crate::handler::Handler;
use crate::job::{CallError, Job};
use crate::limits::{Limits, Share};
use crate::pool::{Slot, Ticket};
use crate::state::{State, current_context};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use in_flight::{Ended, Exports, InFlight};
use kobliat_telemetry::PoolMetrics;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};
use std::time::Instant;
use tracing::{debug, warn};
use wasmtime::component::{Accessor, ComponentExportIndex, InstancePre};
use wasmtime::{AsContextMut, Store};
use watch::Watch;

pub(crate) use crate::pool::WorkerGuard;

/// The most bytes that one call from guest to host may lift: what a host function copies is the guest's choice.
const HOSTCALL_FUEL: usize = 64 << 20;

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
    /// Starts an instance and lets it go again: the last thing that can keep a version from running.
    pub async fn try_start(&self) -> wasmtime::Result<()> {
        start(self, &PollClock::new(Arc::clone(&self.metrics)), None).await.map(drop)
    }
}

/// Runs one instance until it is idle for long, worn out, closed or dead.
pub(crate) async fn run(mut guard: WorkerGuard) {
    let dispatch = Arc::clone(guard.dispatch());
    let spec = Arc::clone(&dispatch.spec);
    let clock = PollClock::new(Arc::clone(&spec.metrics));
    let (mut store, exports) = match start(&spec, &clock, Some(&dispatch.memory)).await {
        Ok(started) => started,
        Err(error) => {
            warn!(component = %spec.id, "failed to start an instance of component `{}`: {error:#}", spec.id);
            dispatch.statistics.trapped();
            dispatch.refuse_queued(&CallError::Start(format!("{:#}", error.root_cause())));
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
        let request = current_context(store.as_context_mut()).request_id;
        warn!(component = %spec.id, request_id = %request,
            "an instance of component `{}` died (request `{request}`): {error:#}", spec.id);
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
    let mut store = Store::new(spec.pre.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_FUEL);
    budget::install(&mut store, spec.limits.cpu, Arc::clone(clock));
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
    let slot = Arc::new(Slot::default());
    let limits = &guard.dispatch().spec.limits;
    let share = limits.share();
    let watch = Watch::new(share.idle, limits.timeout);
    let result = {
        let mut event_loop = pin!(store.run_concurrent(async |accessor: &Accessor<State>| {
            let mut jobs = Jobs::new(accessor, exports, guard, &slot, &watch, share);
            poll_fn(|context| jobs.poll(context)).await
        }));
        poll_fn(|context| {
            let mut poll = clock.poll(event_loop.as_mut(), context);
            // Pending says that all tasks wait, so that one more job would not compete for this instance's CPU.
            if poll.is_pending() && watch.settle() {
                poll = clock.poll(event_loop.as_mut(), context);
            }
            if poll.is_ready() {
                return poll;
            }
            if clock.held_the_thread() {
                guard.dispatch().give_back(&slot);
                // That took this worker off the waiting stack. If it has come to rest, it must be polled to be on it again.
                context.waker().wake_by_ref();
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
    };
    if let Some((job, ticket)) = guard.dispatch().withdraw(&slot) {
        drop(ticket);
        guard.dispatch().requeue(job);
    }
    result?
}

/// The jobs of one instance, and the decision to take another.
struct Jobs<'a> {
    accessor: &'a Accessor<State>,
    exports: &'a Exports,
    guard: &'a WorkerGuard,
    slot: &'a Arc<Slot>,
    watch: &'a Watch,
    share: Share,
    running: FuturesUnordered<InFlight<'a>>,
    served: usize,
    /// Nothing but the job that was taken last is under way, no work after an earlier answer either.
    alone: bool,
}

impl<'a> Jobs<'a> {
    fn new(
        accessor: &'a Accessor<State>,
        exports: &'a Exports,
        guard: &'a WorkerGuard,
        slot: &'a Arc<Slot>,
        watch: &'a Watch,
        share: Share,
    ) -> Self {
        Self { accessor, exports, guard, slot, watch, share, running: FuturesUnordered::new(), served: 0, alone: true }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<wasmtime::Result<()>> {
        loop {
            match self.running.poll_next_unpin(context) {
                Poll::Ready(Some(done)) => {
                    match done? {
                        Ended::Answered => continue,
                        // The guest can not be told to stop (wasmtime #11833). Where it does nothing else, its instance goes;
                        // else that takes no more jobs, and goes when the others are done.
                        Ended::Abandoned if self.alone => return Poll::Ready(Ok(())),
                        Ended::Abandoned => self.watch.abandoned(),
                    }
                    continue;
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            match self.poll_next_job(context) {
                Next::Job(job, ticket) => self.accept(job, ticket, context)?,
                Next::None => return Poll::Pending,
                Next::Leave if !self.running.is_empty() => return Poll::Pending,
                Next::Leave => {
                    // Work after the last answer goes on until it ends or the watch has seen enough.
                    if self.accessor.poll_no_interesting_tasks(context).is_pending() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn poll_next_job(&mut self, context: &mut Context<'_>) -> Next {
        let Share { concurrency, reuse, .. } = self.share;
        let leaving = self.watch.is_retired() || self.served >= reuse;
        let ready = self.accessor.poll_ready_for_concurrent_call(self.exports.any_function(), context).is_ready();
        let has_room = self.running.is_empty() || (self.running.len() < concurrency && self.watch.is_settled());
        if leaving || !ready || !has_room {
            return match self.guard.dispatch().withdraw(self.slot) {
                Some((job, ticket)) => Next::Job(job, ticket),
                None if leaving => Next::Leave,
                None => Next::None,
            };
        }
        match self.guard.dispatch().poll_job(self.slot, context) {
            Poll::Ready(Some((job, ticket))) => Next::Job(job, ticket),
            Poll::Ready(None) => Next::Leave,
            Poll::Pending => Next::None,
        }
    }

    fn accept(&mut self, job: Job, ticket: Ticket, context: &mut Context<'_>) -> wasmtime::Result<()> {
        if job.is_abandoned() {
            debug!(component = %self.guard.dispatch().spec.id, "skipped a job that nobody waits for");
            return Ok(());
        }
        self.served += 1;
        self.alone = self.running.is_empty() && self.accessor.poll_no_interesting_tasks(context).is_ready();
        self.running.push(in_flight::start(self.accessor, self.exports, self.watch, job, ticket)?);
        Ok(())
    }
}

enum Next {
    Job(Job, Ticket),
    /// Nothing now; the task is woken when that changes.
    None,
    /// Nothing ever: the instance has served enough, or its pool is closed.
    Leave,
}

/// When the job that finished had to be done.
type Deadline = Instant;
