//! The platform's own virtual hosts, `http://<name>.kobliat.internal/`: what a component asks the host itself, in process.

use crate::context::CallContext;
use crate::http_client::Body;
use crate::job::HttpFailure;
use futures::future::BoxFuture;
use http::{Request, Response};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The answer of a platform host, some time later.
pub type PlatformAnswer = BoxFuture<'static, Result<Response<Body>, HttpFailure>>;

/// Answers `http://<name>.kobliat.internal/` for the components whose allow-list names it.
pub trait PlatformHost: Send + Sync + 'static {
    /// `component` is who asks: the host knows it, the request can not forge it.
    fn request(&self, component: &str, caller: CallContext, request: Request<Body>) -> PlatformAnswer;
}

/// All of them by name. A host may be added after the clients that will ask it were made.
#[derive(Default)]
pub struct PlatformHosts {
    hosts: RwLock<HashMap<String, Arc<dyn PlatformHost>>>,
}

impl PlatformHosts {
    pub fn add(&self, name: &str, host: Arc<dyn PlatformHost>) {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), host);
    }

    pub fn find(&self, name: &str) -> Option<Arc<dyn PlatformHost>> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Hosts and pools know each other: a stopped platform lets go of them.
    pub fn clear(&self) {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
