//! A pool is the instances of one component that do one kind of work, and the jobs that wait for them.
//!
//! Jobs queue in lanes by depth: requests from outside in lane 0, calls between components in the lanes below. Each
//! lane may hold some more of the running jobs than the lanes above it together, so that calls can always be served while
//! callers wait for them: no number of requests from outside can block the calls that would let them finish.

mod dispatch;

use crate::context::CallContext;
use crate::http_client::Body;
use crate::job::{CallError, HttpFailure, Job, Work};
use crate::worker::ComponentSpec;
use dispatch::Dispatch;
pub(crate) use dispatch::{Slot, Ticket, WorkerGuard};
use std::sync::Arc;
use tokio::sync::oneshot;
use wasmtime::component::Val;

/// A handle to a pool; clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    dispatch: Arc<Dispatch>,
}

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
        let deadline = context.deadline;
        let (reply, response) = futures::channel::oneshot::channel();
        self.dispatch.submit(Job { context, work: Work::Http { request: Box::new(request), reply } })?;
        match tokio::time::timeout_at(deadline.into(), response).await {
            Err(_elapsed) => Err(HttpFailure::Timeout),
            Ok(Err(_dropped)) => Err(HttpFailure::Crashed),
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(error))) => Err(failure(error)),
        }
    }

    /// Calls the `function`-th exported function of [`ComponentSpec::functions`] and waits for its results.
    pub async fn call(&self, context: CallContext, function: usize, params: Vec<Val>) -> Result<Vec<Val>, CallError> {
        let deadline = context.deadline;
        let (reply, results) = oneshot::channel();
        self.dispatch.submit(Job { context, work: Work::Call { function, params, reply } })?;
        match tokio::time::timeout_at(deadline.into(), results).await {
            Err(_elapsed) => Err(CallError::Timeout),
            Ok(Err(_dropped)) => Err(CallError::Crashed),
            Ok(Ok(results)) => results,
        }
    }

    /// Takes no more jobs; what is queued and running finishes.
    pub fn close(&self) {
        self.dispatch.close();
    }

    /// Waits until the last instance is gone. Call [`Pool::close`] first.
    pub async fn drained(&self) {
        self.dispatch.drained().await;
    }

    /// How many instances live now.
    pub fn instances(&self) -> usize {
        self.dispatch.instances()
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
