//! `/services/health`: every component of the platform, asked at once.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value, json};

use super::{component, key, text};
use crate::admin;
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::deadline::within;
use crate::reply::ok;
use crate::routes::Service;
use sdk::clock::{parse_rfc3339, rfc3339};
use sdk::query::Query;
use sdk::{Micros, Problem};

/// One probe: all of them run at once, so that this is how long the answer takes at most.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);
/// 16 KiB: every variable of a component, wrong.
const MAX_SAID_BYTES: usize = 16 * 1024;

/// What the host says of its components; without its surface, those that the gateway calls.
async fn components<B: Outside>(outside: &B, call: &Call<'_>) -> Vec<Value> {
    match admin::get(outside, call, "/components").await {
        Ok(value) => value.get("components").and_then(Value::as_array).cloned().unwrap_or_default(),
        Err(_logged) => Service::NEEDED.map(|service| json!({ "id": service.id() })).into(),
    }
}

pub async fn of_all<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    Query::parse(call.query)?.allow(&[])?;
    let components = components(outside, call).await;
    let probed = join_all(components.iter().map(|component| one_health(outside, component))).await;
    let services: Map<String, Value> = probed.into_iter().map(|one| (text(&one, "key").to_owned(), one)).collect();
    ok(&json!({ "services": services, "checked_at": rfc3339(outside.now()) }))
}

pub async fn of_one<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let id = component(call)?;
    let components = components(outside, call).await;
    let found = components.iter().find(|one| one["id"] == id.as_str());
    let found = found.ok_or_else(|| Problem::not_found("service"))?;
    ok(&one_health(outside, found).await)
}

/// A service that the gateway calls is asked itself; of the others the host knows whether they run.
async fn one_health<B: Outside>(outside: &B, component: &Value) -> Value {
    let id = component["id"].as_str().unwrap_or_default();
    let service = Service::ALL.into_iter().find(|service| service.id() == id);
    let started = outside.now();
    let is_stopped = component["state"] == "stopped";
    let (found, circuit) = match service {
        _ if is_stopped => (Ok(()), None),
        None if matches!(component["state"].as_str(), Some("running") | None) => (Ok(()), None),
        None => (Err(None), None),
        Some(service) => {
            let circuit = outside.circuits().of(service).state(started).as_str();
            (probe(outside, service).await, Some(circuit))
        }
    };
    let status = match &found {
        _ if is_stopped => "stopped",
        Ok(()) => "healthy",
        Err(_) => "unhealthy",
    };
    let since = component["since"].as_str().and_then(parse_rfc3339);
    json!({
        "name": id,
        "key": key(id),
        "status": status,
        "reason": found.err().flatten(),
        "circuit": circuit,
        // Services share the host's: there is none of their own.
        "port": null,
        "response_time": service.map(|_| milliseconds(outside.now() - started)),
        "version": component["version"],
        "uptime": since.map(|since| ((started - since) / 1_000_000).max(0)),
        "last_checked": rfc3339(started),
    })
}

fn milliseconds(micros: Micros) -> i64 {
    micros.max(0) / 1000
}

/// Past the circuit: the probe is what finds out. What a service says of its own health (a variable that makes no sense) is the
/// operator's to know.
async fn probe<B: Outside>(outside: &B, service: Service) -> Result<(), Option<String>> {
    let uri = format!("http://{}.spin.internal/health", service.id());
    let probe = Request::get(uri).body(Bytes::new()).map_err(|_| None)?;
    let Some(Ok(answer)) = within(outside, PROBE_DEADLINE, outside.fetch(probe)).await else { return Err(None) };
    if answer.status().is_success() {
        return Ok(());
    }
    let said = Limited::new(answer.into_body(), MAX_SAID_BYTES).collect().await;
    let said = said.map(|said| said.to_bytes()).unwrap_or_default();
    let said: Value = serde_json::from_slice(&said).unwrap_or_default();
    Err(Some(text(&said, "detail").to_owned())
        .filter(|reason| !reason.is_empty() && text(&said, "code") == "misconfigured"))
}
