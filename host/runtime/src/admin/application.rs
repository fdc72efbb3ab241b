//! `/application`: what the manifest says as it is in force, and taking over what it says now.

use super::components::problem;
use crate::lifecycle::{Lifecycle, aside};
use crate::routes;
use http::Method;
use kobliat_admin::{AdminRequest, Answer, Problem, Reply, RouteGroup};
use serde_json::{Value, json};
use std::sync::Arc;

pub struct Application {
    lifecycle: Arc<Lifecycle>,
}

impl Application {
    pub fn new(lifecycle: Arc<Lifecycle>) -> Self {
        Self { lifecycle }
    }

    fn describe(&self) -> Value {
        let world = self.lifecycle.world();
        let manifest = world.manifest();
        let routes = routes::routes(manifest).into_iter();
        let routes =
            routes.map(|route| json!({ "path": route.path, "wildcard": route.wildcard, "target": route.name }));
        json!({
            "name": manifest.application.name,
            "version": manifest.application.version,
            "manifest": manifest.path,
            "routes": routes.collect::<Vec<_>>(),
        })
    }

    /// A client that goes away shall not leave half a change.
    async fn apply(&self) -> Result<Reply, Problem> {
        let lifecycle = Arc::clone(&self.lifecycle);
        let applied = aside(async move { lifecycle.apply().await }).await;
        let applied = applied.map_err(|error| Problem::internal(format!("the change broke off: {error}")))?;
        Ok(Reply::json(&applied.map_err(problem)?))
    }
}

impl RouteGroup for Application {
    fn prefix(&self) -> &'static str {
        "application"
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            match (&request.method, request.segments().as_slice()) {
                (&Method::GET, []) => Ok(Reply::json(&self.describe())),
                (&Method::POST, ["apply"]) => self.apply().await,
                _ => Err(Reply::unknown()),
            }
        })
    }
}
