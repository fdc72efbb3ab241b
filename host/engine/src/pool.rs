//! A pool is the instances of one component that do one kind of work, and the jobs that wait for them.
//!
//! Jobs queue in lanes by depth: requests from outside in lane 0, calls between components in the lanes below. Each
//! lane may hold some more of the running jobs than the lanes above it together, so that calls can always be served while
//! callers wait for them: no number of requests from outside can block the calls that would let them finish.

mod dispatch;
mod guard;
mod lanes;
mod outcome;
mod request_body;
mod slot;
mod statistics;
#[cfg(test)]
pub(crate) mod tests;

use crate::context::CallContext;
use crate::http_client::Body;
use crate::job::{CallError, HttpFailure, Job, Work};
use crate::pause;
use crate::worker::ComponentSpec;
pub(crate) use dispatch::Dispatch;
use dispatch::Refusal;
pub(crate) use guard::WorkerGuard;
use kobliat_telemetry::{Kind, PoolReading};
#[cfg(test)]
pub(crate) use slot::Slot;
pub(crate) use slot::Ticket;
pub use statistics::Counts;
use statistics::{is_call_error, is_http_error};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tokio::sync::oneshot;
use wasmtime::component::Val;

/// A handle to a pool; clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    dispatch: Arc<Dispatch>,
}

/// What a pool takes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Requests at once.
    pub places: usize,
    /// Requests that wait for a place.
    pub queue: usize,
    /// Bytes of a body.
    pub body: Option<u64>,
    /// Bytes of a body that arrive before its request takes a place, where the manifest says it.
    pub buffer: Option<usize>,
}

/// What a closed pool hands back, so that the pool that took its place can do it.
type Unserved<T> = Box<(CallContext, T)>;

impl Pool {
    pub fn new(spec: Arc<ComponentSpec>) -> Self {
        Self { dispatch: Dispatch::new(spec) }
    }

    /// Hands a request to an instance and waits for the head of the response.
    pub async fn http(
        &self,
        context: CallContext,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, HttpFailure> {
        self.offer_http(context, request).await.unwrap_or(Err(HttpFailure::Stopped))
    }

    /// Calls the `function`-th exported function of [`ComponentSpec::functions`] and waits for its results.
    pub async fn call(&self, context: CallContext, function: usize, params: Vec<Val>) -> Result<Vec<Val>, CallError> {
        self.offer_call(context, function, params).await.unwrap_or(Err(CallError::Stopped))
    }

    /// As [`Pool::http`]; the outer error is the request, untouched, when the pool is closed.
    pub(crate) async fn offer_http(
        &self,
        context: CallContext,
        request: http::Request<Body>,
    ) -> Result<Result<http::Response<Body>, HttpFailure>, Unserved<http::Request<Body>>> {
        let (deadline, began) = (context.deadline, Instant::now());
        let metrics = &self.dispatch.spec.metrics;
        let request = match request_body::bound(&self.dispatch.spec, request) {
            Ok(request) => request,
            Err(failure) => return Ok(outcome::of_http(metrics, Err(failure), began.elapsed())),
        };
        let (reply, response) = futures::channel::oneshot::channel();
        let job = Job { context, work: Work::Http { request: Box::new(request), reply } };
        match self.dispatch.submit(job) {
            Ok(()) => {}
            Err(Refusal::Because(error)) => {
                return Ok(outcome::of_http(metrics, Err(error.into()), began.elapsed()));
            }
            Err(Refusal::Closed(job)) => match job.work {
                Work::Http { request, .. } => return Err(Box::new((job.context, *request))),
                Work::Call { .. } => return Ok(Err(HttpFailure::Stopped)),
            },
        }
        let asked = outcome::Asked::new(metrics);
        let answer = match pause::timeout_at(deadline, response).await {
            Err(_elapsed) => Err(HttpFailure::Timeout),
            Ok(Err(_dropped)) => Err(HttpFailure::Crashed),
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(error))) => Err(failure(error)),
        };
        asked.answered();
        let took = began.elapsed();
        self.dispatch.statistics.finished(took, is_http_error(&answer));
        Ok(outcome::of_http(metrics, answer, took))
    }

    /// As [`Pool::call`]; the outer error is the call's parameters, untouched, when the pool is closed.
    pub(crate) async fn offer_call(
        &self,
        context: CallContext,
        function: usize,
        params: Vec<Val>,
    ) -> Result<Result<Vec<Val>, CallError>, Unserved<Vec<Val>>> {
        let (deadline, began) = (context.deadline, Instant::now());
        let metrics = &self.dispatch.spec.metrics;
        let (reply, results) = oneshot::channel();
        match self.dispatch.submit(Job { context, work: Work::Call { function, params, reply } }) {
            Ok(()) => {}
            Err(Refusal::Because(error)) => return Ok(outcome::of_call(metrics, Err(error), began.elapsed())),
            Err(Refusal::Closed(job)) => match job.work {
                Work::Call { params, .. } => return Err(Box::new((job.context, params))),
                Work::Http { .. } => return Ok(Err(CallError::Stopped)),
            },
        }
        let asked = outcome::Asked::new(metrics);
        let answer = match pause::timeout_at(deadline, results).await {
            Err(_elapsed) => Err(CallError::Timeout),
            Ok(Err(_dropped)) => Err(CallError::Crashed),
            Ok(Ok(results)) => results,
        };
        asked.answered();
        let took = began.elapsed();
        self.dispatch.statistics.finished(took, is_call_error(&answer));
        Ok(outcome::of_call(metrics, answer, took))
    }

    /// Starts an instance before the first request asks for one.
    pub async fn start_one(&self) -> Result<(), String> {
        self.dispatch.start_one().await
    }

    /// Takes no more jobs; what is queued and running finishes.
    pub fn close(&self) {
        self.dispatch.close();
    }

    /// Waits until the last instance is gone. Call [`Pool::close`] first.
    pub async fn drained(&self) {
        self.dispatch.drained().await;
    }

    /// Ends what still runs. For a closed pool whose drain limit is over.
    pub fn end(&self) {
        self.dispatch.end();
    }

    /// What the pool has done so far.
    pub fn counts(&self) -> Counts {
        self.dispatch.statistics.counts()
    }

    /// Bytes of linear memory of the instances that live now.
    pub fn memory(&self) -> usize {
        self.dispatch.memory.load(Relaxed)
    }

    /// Whether both are handles to one pool.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.dispatch, &other.dispatch)
    }

    /// How many instances live now.
    pub fn instances(&self) -> usize {
        self.dispatch.instances()
    }

    /// What the metrics tell of it.
    pub fn reading(&self) -> PoolReading {
        let (spec, counts) = (&self.dispatch.spec, self.counts());
        PoolReading {
            component: spec.id.to_string(),
            kind: if spec.handler.is_some() { Kind::Http } else { Kind::Call },
            instances: self.instances(),
            running: self.running(),
            queued: self.dispatch.queued(),
            memory_bytes: self.memory() as u64,
            version: spec.version.to_string(),
            requests: counts.requests,
            errors: counts.errors,
        }
    }

    pub(crate) fn room(&self) -> Room {
        let limits = &self.dispatch.spec.limits;
        Room { places: limits.outside(), queue: limits.queue, body: limits.body, buffer: limits.buffer }
    }

    pub(crate) fn turned_away(&self, failure: &HttpFailure) {
        outcome::of_refusal(&self.dispatch.spec.metrics, failure);
    }

    /// Requests from outside that wait because all places are taken.
    pub(crate) fn waiting(&self) -> usize {
        self.dispatch.waiting_for_a_place()
    }

    /// How many jobs run now.
    pub fn running(&self) -> usize {
        self.dispatch.running()
    }
}

/// Tells an answer that the guest gave (`error-code`) from a crash.
fn failure(error: wasmtime::Error) -> HttpFailure {
    let error = match error.downcast::<HttpFailure>() {
        Ok(failure) => return failure,
        Err(error) => error,
    };
    match error.downcast::<wasmtime_wasi_http::p3::bindings::http::types::ErrorCode>() {
        Ok(code) => HttpFailure::Guest(code.to_string()),
        Err(_trap) => HttpFailure::Crashed,
    }
}
