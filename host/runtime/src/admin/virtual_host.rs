//! `http://admin.kobliat.internal/`: the admin surface for a component that the manifest makes an administrator, twice.

use super::HOST;
use crate::live::Live;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kobliat_admin::{Admin, Caller};
use kobliat_engine::{Body, CallContext, PlatformAnswer, PlatformHost, pause};
use kobliat_manifest::{Component, Manifest, Template};
use std::sync::Arc;

/// Answers administrators; the allow-list was checked before.
pub struct VirtualHost {
    admin: Arc<Admin>,
    live: Arc<Live>,
}

impl VirtualHost {
    pub fn new(admin: Arc<Admin>, live: Arc<Live>) -> Self {
        Self { admin, live }
    }
}

impl PlatformHost for VirtualHost {
    fn request(&self, component: &str, caller: CallContext, request: Request<Body>) -> PlatformAnswer {
        if !self.live.is_administrator(component) {
            let mut denied = Response::new(empty());
            *denied.status_mut() = StatusCode::FORBIDDEN;
            return Box::pin(async move { Ok(denied) });
        }
        let (admin, who) = (Arc::clone(&self.admin), Caller::Component(component.to_owned()));
        Box::pin(async move {
            let answer = admin.handle(request, who);
            match pause::timeout_at(caller.deadline, answer).await {
                Ok(answer) => Ok(answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync())),
                Err(_elapsed) => Err(kobliat_engine::HttpFailure::Timeout),
            }
        })
    }
}

fn empty() -> Body {
    Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync()
}

/// One half without the other is a mistake: the right that was meant would be missing, or one be given by oversight.
pub fn refuse_half_administrators(manifest: &Manifest) -> Vec<String> {
    let problem = |component: &Component| {
        let (id, named) = (&component.id, component.kobliat.own.allowed_outbound_hosts.iter().any(names_the_host));
        match (component.kobliat.admin, named) {
            (true, false) => Some(format!(
                "[component.{id}.tool.kobliat] `admin = true` needs the host, too: add \"http://{HOST}.kobliat.internal\" to allowed_outbound_hosts of [component.{id}]"
            )),
            (false, true) => Some(format!(
                "[component.{id}] may not reach `{HOST}.kobliat.internal` by its allow-list alone: write `admin = true` into [component.{id}.tool.kobliat], or remove the host"
            )),
            _ => None,
        }
    };
    manifest.components.values().filter_map(problem).collect()
}

fn names_the_host(host: &Template) -> bool {
    host.literal().is_some_and(|host| host.contains("admin.kobliat.internal"))
}
