//! `/ready`: whether every service that the API needs answers, asked of all at once.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response};
use serde_json::json;

use crate::clients::{Body, Outside};
use crate::deadline::within;
use crate::problem;
use crate::reply::ok;
use crate::routes::Service;
use sdk::Problem;

/// A balancer's probe usually waits a few seconds; what takes longer than this one is not ready for users either.
const PROBE_DEADLINE: Duration = Duration::from_secs(1);

pub async fn ready<B: Outside>(outside: &B) -> Result<Response<Body>, Problem> {
    let answers = join_all(Service::NEEDED.map(|service| answers(outside, service))).await;
    let down: Vec<Service> =
        Service::NEEDED.into_iter().zip(answers).filter(|(_, up)| !up).map(|(service, _)| service).collect();
    if down.is_empty() { ok(&json!({ "status": "ready" })) } else { Err(problem::not_ready(&down)) }
}

async fn answers<B: Outside>(outside: &B, service: Service) -> bool {
    let uri = format!("http://{}.spin.internal/health", service.id());
    let Ok(probe) = Request::get(uri).body(Bytes::new()) else { return false };
    let answer = within(outside, PROBE_DEADLINE, outside.send(service, probe)).await;
    matches!(answer, Some(Ok(answer)) if answer.status().is_success())
}
