//! A target is a component as its callers know it: the pool behind it may be exchanged while requests run.

use crate::context::CallContext;
use crate::http_client::Body;
use crate::job::{CallError, HttpFailure};
use crate::pool::Pool;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Val;

/// Routes and links hold targets; whoever replaces or stops a component sets its pool.
pub struct Target {
    component: Arc<str>,
    timeout: Duration,
    pool: ArcSwapOption<Pool>,
}

impl Target {
    /// A target without a pool: it counts as stopped until [`Target::set`]. `timeout` is the component's wall-time limit.
    pub fn new(component: Arc<str>, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { component, timeout, pool: ArcSwapOption::empty() })
    }

    /// From now on work goes to this pool; what runs finishes where it is.
    pub fn set(&self, pool: Option<Pool>) {
        self.pool.store(pool.map(Arc::new));
    }

    pub fn pool(&self) -> Option<Pool> {
        self.pool.load().as_deref().cloned()
    }

    pub fn component(&self) -> &Arc<str> {
        &self.component
    }

    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The context of a call made on behalf of `caller`: one deeper, and no longer than the component may take.
    pub fn nested_context(&self, caller: &CallContext) -> Result<CallContext, CallError> {
        let context = caller.nested().ok_or(CallError::TooDeep)?;
        Ok(context.within(self.timeout))
    }

    pub async fn http(
        &self,
        context: CallContext,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, HttpFailure> {
        let pool = self.pool().ok_or(HttpFailure::Stopped)?;
        pool.http(context, request).await
    }

    /// Calls the `function`-th function of the component's typed interfaces.
    pub async fn call(&self, context: CallContext, function: usize, params: Vec<Val>) -> Result<Vec<Val>, CallError> {
        let pool = self.pool().ok_or(CallError::Stopped)?;
        pool.call(context, function, params).await
    }
}
