//! Requests between components: `http://<id>.spin.internal/…`, in process, on private routes too.

use crate::headers;
use http::Request;
use kobliat_engine::{Body, CallContext, HttpFailure, Target, trace};
use std::collections::HashMap;
use std::sync::Arc;

/// The components that have an HTTP trigger, by id.
#[derive(Default, Clone)]
pub struct InternalHosts {
    targets: HashMap<String, Arc<Target>>,
}

impl InternalHosts {
    pub fn add(&mut self, component: &str, target: Arc<Target>) {
        self.targets.insert(component.to_string(), target);
    }

    /// The component behind `<id>.spin.internal`, when it serves HTTP.
    pub fn find(&self, component: &str) -> Option<&Arc<Target>> {
        self.targets.get(component)
    }

    /// Sends a request to a component on behalf of `caller`.
    pub async fn request(
        target: Arc<Target>,
        caller: CallContext,
        mut request: Request<Body>,
    ) -> Result<http::Response<Body>, HttpFailure> {
        let context = target.nested_context(&caller)?;
        let uri = request.uri().clone();
        headers::strip_internal(request.headers_mut());
        trace::pass_on(context.trace, request.headers_mut());
        headers::add_internal(request.headers_mut(), &uri);
        target.http(context, request).await
    }
}
