//! `/health`: whether the gateway runs as it was meant to. `/ready`: whether every service that the API needs answers, asked of all at once.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use serde_json::json;

use crate::clients::{Body, Outside};
use crate::deadline::within;
use crate::jwt::issuer;
use crate::reply::ok;
use crate::routes::Service;
use crate::{cors, logs, problem};
use sdk::{Context, Problem, log};

/// A balancer's probe usually waits a few seconds; what takes longer than this one is not ready for users either.
const PROBE_DEADLINE: Duration = Duration::from_secs(1);

/// 503 while a variable of the deployment makes no sense. Everybody may ask, so that only its name is told; the log has the rest.
pub async fn alive<B: Outside>(outside: &B) -> Result<Response<Body>, Problem> {
    let wrong = misconfigured(outside).await;
    if wrong.is_empty() {
        return ok(&json!({ "status": "ok" }));
    }
    for (name, reason) in &wrong {
        log::error(&Context::default(), "a variable makes no sense", &[("variable", name), ("reason", reason)]);
    }
    let names: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    let detail = format!("variables that make no sense (the log says why): {}", names.join(", "));
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "misconfigured", detail))
}

/// By name, each with its reason.
async fn misconfigured<B: Outside>(outside: &B) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    for (name, check) in CHECKED {
        let value = outside.variable(name).await.filter(|value| !value.is_empty());
        wrong.extend(value.and_then(|value| check(&value).err()).map(|reason| (*name, reason)));
    }
    wrong
}

type Check = fn(&str) -> Result<(), String>;

/// The variables that may be wrong; an empty one is not set.
const CHECKED: &[(&str, Check)] = &[
    ("jwt_issuers", issuer::check),
    ("cors_origins", cors::check),
    ("log_retention_days", |days| match logs::retention(days) {
        Some(_) => Ok(()),
        None => Err(format!("it is `{days}`, not a number from 1 to 3650")),
    }),
    ("log_max_entries", |entries| match logs::max_entries(entries) {
        Some(_) => Ok(()),
        None => Err(format!("it is `{entries}`, not a number from 1000 to 100000000")),
    }),
    ("x_ratelimit_headers", |switch| match switch {
        "true" | "false" => Ok(()),
        _ => Err(format!("it is `{switch}`, not true or false")),
    }),
];

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
