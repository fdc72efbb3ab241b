//! Which component answers which path: for the HTTP trigger, and for the lines that `up` prints.

use crate::instances::Targets;
use kobliat_manifest::{HttpRoute, HttpTarget, Manifest};
use kobliat_trigger_http::{AppInfo, Destination, Router};
use std::sync::Arc;

/// One public route, as the start-up lines show it.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    /// What answers: a component's id, or the trigger's for a static response.
    pub name: String,
    /// Without its wildcard.
    pub path: String,
    pub wildcard: bool,
    pub description: Option<String>,
}

pub fn router(manifest: &Manifest, targets: &Targets) -> Router {
    let mut router = Router::default();
    for trigger in &manifest.http_triggers {
        let HttpRoute::Public(route) = &trigger.route else { continue };
        let destination = match &trigger.target {
            HttpTarget::Static(response) => Destination::Static(Arc::new(response.clone())),
            HttpTarget::Component { id, .. } => match targets.http.get(id) {
                Some(target) => Destination::Component(Arc::clone(target)),
                None => continue,
            },
        };
        router.add(route.clone(), destination);
    }
    router
}

pub fn routes(manifest: &Manifest) -> Vec<RouteInfo> {
    let public = manifest.http_triggers.iter().filter_map(|trigger| {
        let HttpRoute::Public(route) = &trigger.route else { return None };
        let (name, description) = match &trigger.target {
            HttpTarget::Component { id, .. } => {
                (id.clone(), manifest.components.get(id).and_then(|component| component.description.clone()))
            }
            HttpTarget::Static(_) => (trigger.id.clone(), None),
        };
        let stem = route.raw.strip_suffix("/...").or_else(|| route.raw.strip_suffix("/*")).unwrap_or(&route.raw);
        Some(RouteInfo { name, path: stem.to_string(), wildcard: route.wildcard, description })
    });
    public.collect()
}

pub fn app_info(manifest: &Manifest) -> AppInfo {
    AppInfo { name: manifest.application.name.clone(), version: manifest.application.version.clone() }
}
