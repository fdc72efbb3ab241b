//! Whom components may ask by HTTP: the world by allow-list, each other and the platform by virtual host.

use crate::error::StartError;
use crate::factors::Settings;
use crate::grants::grants;
use crate::live::Live;
use futures::future::BoxFuture;
use http::{Request, Response};
use kobliat_engine::{Body, CallContext, HttpFailure, PlatformAnswer, PlatformHosts};
use kobliat_factor_outbound_http::{ComponentHttp, HttpOptions, OutboundHttp, VirtualHosts};
use kobliat_outbound_networking::Policy;
use kobliat_trigger_http::{PublicRoutes, internal};
use std::collections::HashMap;
use std::sync::Arc;

/// Each component's allow-list with its templates expanded, and what the operator blocks.
pub fn policies(settings: &Settings<'_>) -> Result<HashMap<String, Policy>, StartError> {
    let Settings { manifest, config, resolver, options, .. } = settings;
    let blocked = config.blocked_networks()?;
    let (mut policies, mut problems) = (HashMap::new(), Vec::new());
    let listed = grants(manifest, options.links, |one| &one.allowed_outbound_hosts, |own| &own.allowed_outbound_hosts);
    for (id, entries) in listed {
        let policy = resolver.allowed_hosts(entries).and_then(|hosts| {
            let private = private_networks(settings, &id)?;
            Ok(Policy::new(hosts, Arc::clone(&blocked)).with_private_networks(private))
        });
        match policy {
            Ok(policy) => drop(policies.insert(id, policy)),
            Err(reason) => problems.push(format!("[component.{id}] {reason}")),
        }
    }
    StartError::from_all(problems)?;
    Ok(policies)
}

/// The component's switch, with its variables filled in.
fn private_networks(settings: &Settings<'_>, id: &str) -> Result<bool, String> {
    let component = settings.manifest.components.get(id);
    let Some(switch) = component.and_then(|component| component.kobliat.private_networks.as_ref()) else {
        return Ok(false);
    };
    match settings.resolver.expand(switch).trim() {
        "true" => Ok(true),
        "false" | "" => Ok(false),
        _ => Err(format!("tool.kobliat.private_networks: `{switch}` becomes neither `true` nor `false`")),
    }
}

pub fn outbound(
    settings: &Settings<'_>,
    policies: HashMap<String, Policy>,
    options: &HttpOptions,
    live: &Arc<Live>,
    platform: &Arc<PlatformHosts>,
) -> Result<OutboundHttp, StartError> {
    let public = Arc::new(PublicRoutes::new(Arc::clone(&live.site)));
    let hosts = Arc::new(Hosts { live: Arc::clone(live), public, platform: Arc::clone(platform) });
    let http = policies.into_iter().map(|(id, policy)| {
        let tls = settings.config.client_tls(&id);
        (id, ComponentHttp { policy, tls })
    });
    OutboundHttp::new(http.collect(), options, hosts)
        .map_err(|reason| StartError::new(format!("[[client_tls]]: {reason}")))
}

/// `<id>.spin.internal`, `self.alt` and `<name>.kobliat.internal` for outbound HTTP.
struct Hosts {
    live: Arc<Live>,
    public: Arc<PublicRoutes>,
    platform: Arc<PlatformHosts>,
}

impl VirtualHosts for Hosts {
    fn request(
        &self,
        component: &str,
        caller: CallContext,
        request: Request<Body>,
    ) -> Option<BoxFuture<'static, Result<Response<Body>, HttpFailure>>> {
        let target = Arc::clone(self.live.targets().http.get(component)?);
        Some(Box::pin(internal::request(target, caller, request)))
    }

    fn to_self(
        &self,
        caller: CallContext,
        request: Request<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, HttpFailure>> {
        Box::pin(Arc::clone(&self.public).request(caller, request))
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
