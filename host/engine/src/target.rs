//! A target is a component as its callers know it: the version behind it may be exchanged while requests run.

mod share;

use crate::context::CallContext;
use crate::http_client::Body;
use crate::job::{CallError, HttpFailure};
use crate::pool::{Pool, Room};
use arc_swap::ArcSwapOption;
pub use share::Share;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use wasmtime::component::Val;

/// Routes and links hold targets; whoever replaces or stops a component sets its pool.
pub struct Target {
    component: Arc<str>,
    timeout_ns: AtomicU64,
    pools: ArcSwapOption<Pools>,
}

/// What answers: read as one, so that a request never sees half of a change.
struct Pools {
    active: Pool,
    /// A new version on trial, and for whom.
    canary: Option<(Pool, Share)>,
}

impl Target {
    /// A target without a pool: it counts as stopped until [`Target::set`]. `timeout` is the component's wall-time limit.
    pub fn new(component: Arc<str>, timeout: Duration) -> Arc<Self> {
        let target = Self { component, timeout_ns: AtomicU64::new(0), pools: ArcSwapOption::empty() };
        target.set_timeout(timeout);
        Arc::new(target)
    }

    /// For what comes from now on.
    pub fn set_timeout(&self, timeout: Duration) {
        self.timeout_ns.store(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// From now on work goes to this pool; what runs finishes where it is. Close the old pool afterwards, not before: what
    /// comes to a closed pool looks here for the one that took its place.
    pub fn set(&self, pool: Option<Pool>) {
        self.pools.store(pool.map(|active| Arc::new(Pools { active, canary: None })));
    }

    /// From now on the share goes to `canary`, the rest to `active`.
    pub fn set_with_canary(&self, active: Pool, canary: Pool, share: Share) {
        self.pools.store(Some(Arc::new(Pools { active, canary: Some((canary, share)) })));
    }

    pub fn pool(&self) -> Option<Pool> {
        self.pools.load().as_ref().map(|pools| pools.active.clone())
    }

    pub fn canary(&self) -> Option<Pool> {
        self.pools.load().as_ref().and_then(|pools| pools.canary.as_ref()).map(|(pool, _)| pool.clone())
    }

    pub fn component(&self) -> &Arc<str> {
        &self.component
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns.load(Relaxed))
    }

    /// How many requests from outside it takes, and how large ones. `None` when it is stopped.
    pub fn room(&self) -> Option<Room> {
        self.pools.load().as_ref().map(|pools| pools.active.room())
    }

    /// Requests from outside that wait because all places are taken.
    pub fn waiting(&self) -> usize {
        let pools = self.pools.load();
        let waiting = |pools: &Arc<Pools>| {
            pools.active.waiting() + pools.canary.as_ref().map_or(0, |(canary, _)| canary.waiting())
        };
        pools.as_ref().map_or(0, waiting)
    }

    /// Counts a request that was refused before it came here.
    pub fn turned_away(&self, failure: &HttpFailure) {
        if let Some(pool) = self.pool() {
            pool.turned_away(failure);
        }
    }

    /// The context of a call made on behalf of `caller`: one deeper, and no longer than the component may take.
    pub fn nested_context(&self, caller: &CallContext) -> Result<CallContext, CallError> {
        let context = caller.nested().ok_or(CallError::TooDeep)?;
        Ok(context.within(self.timeout()))
    }

    pub async fn http(
        &self,
        mut context: CallContext,
        mut request: http::Request<Body>,
    ) -> Result<http::Response<Body>, HttpFailure> {
        let mut closed = None;
        loop {
            let pool = self.choose(closed.as_ref(), |share| share.has_request(&request)).ok_or(HttpFailure::Stopped)?;
            match pool.offer_http(context, request).await {
                Ok(answer) => return answer,
                Err(unserved) => (context, request) = *unserved,
            }
            closed = Some(pool);
        }
    }

    /// Calls the `function`-th function of the component's typed interfaces.
    pub async fn call(
        &self,
        mut context: CallContext,
        function: usize,
        mut params: Vec<Val>,
    ) -> Result<Vec<Val>, CallError> {
        let mut closed = None;
        loop {
            let pool = self.choose(closed.as_ref(), |share| share.has_call(&params)).ok_or(CallError::Stopped)?;
            match pool.offer_call(context, function, params).await {
                Ok(answer) => return answer,
                Err(unserved) => (context, params) = *unserved,
            }
            closed = Some(pool);
        }
    }

    /// `None` when the component is stopped: it has no pool, or none but the one that was `closed` a moment ago.
    fn choose(&self, closed: Option<&Pool>, in_share: impl FnOnce(&Share) -> bool) -> Option<Pool> {
        let pools = self.pools.load();
        let pools = pools.as_ref()?;
        let pool = match &pools.canary {
            Some((canary, share)) if in_share(share) => canary,
            _ => &pools.active,
        };
        closed.is_none_or(|closed| !closed.is(pool)).then(|| pool.clone())
    }
}
