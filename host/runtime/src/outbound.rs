//! Whom components may ask by HTTP: the world by allow-list, each other and the platform by virtual host.

use crate::error::StartError;
use crate::grants::grants;
use crate::instances::Targets;
use futures::future::BoxFuture;
use http::{Request, Response};
use kobliat_engine::{Body, CallContext, HttpFailure, PlatformAnswer, PlatformHosts};
use kobliat_factor_outbound_http::{OutboundHttp, VirtualHosts};
use kobliat_factor_variables::Resolver;
use kobliat_manifest::Manifest;
use kobliat_trigger_http::InternalHosts;
use std::collections::HashMap;
use std::sync::Arc;

pub fn outbound(
    manifest: &Manifest,
    resolver: &Resolver,
    targets: &Targets,
    platform: &Arc<PlatformHosts>,
    links: bool,
) -> Result<OutboundHttp, StartError> {
    let mut allowed = HashMap::new();
    let mut problems = Vec::new();
    let listed = grants(manifest, links, |one| &one.allowed_outbound_hosts, |own| &own.allowed_outbound_hosts);
    for (id, entries) in listed {
        match resolver.allowed_hosts(entries) {
            Ok(hosts) => drop(allowed.insert(id, hosts)),
            Err(reason) => problems.push(format!("[component.{id}] {reason}")),
        }
    }
    StartError::from_all(problems)?;
    let mut hosts = InternalHosts::default();
    for (id, target) in &targets.http {
        hosts.add(id, Arc::clone(target));
    }
    Ok(OutboundHttp::new(allowed, Arc::new(Hosts { components: hosts, platform: Arc::clone(platform) })))
}

/// `<id>.spin.internal` and `<name>.kobliat.internal` for outbound HTTP.
struct Hosts {
    components: InternalHosts,
    platform: Arc<PlatformHosts>,
}

impl VirtualHosts for Hosts {
    fn request(
        &self,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<BoxFuture<'static, Result<Response<Body>, HttpFailure>>> {
        let target = Arc::clone(self.components.find(component)?);
        Some(Box::pin(InternalHosts::request(target, caller, request)))
    }

    fn platform(
        &self,
        name: &str,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<PlatformAnswer> {
        Some(self.platform.find(name)?.request(component, caller, request))
    }
}
