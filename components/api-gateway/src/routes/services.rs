//! `/services`, `/service-logs`: the components of the platform, for who operates it.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Method, Request, Response};
use serde_json::{Map, Value, json};

use super::own;
use super::{Action, Doc, Route, Service};
use crate::admin;
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::deadline::within;
use crate::reply::{ok, whole};
use sdk::clock::{parse_rfc3339, rfc3339};
use sdk::context::OPERATOR;
use sdk::query::Query;
use sdk::{Micros, Outcome, Problem, response};

const RIGHTS: &[&str] = &[OPERATOR];
/// One probe: all of them run at once, so that this is how long the answer takes at most.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);
/// The gateway answers these requests: without it nobody could start it again from here.
const MYSELF: &str = "api-gateway";
const MAX_LINES: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    Health,
    HealthOfOne,
    /// The word is part of the path.
    Start,
    Stop,
    Restart,
    Status,
    AllLogs,
    Logs,
    ClearLogs,
}

const fn control(what: Do) -> Action {
    Action::Services(what)
}

pub const ROUTES: &[Route] = &[
    Route::get(
        "/services/health",
        RIGHTS,
        control(Do::Health),
        Doc::new("servicesHealth", "Every component, probed at once", &[(200, Some("ServicesHealth"))]),
    ),
    Route::get(
        "/services/health/{service}",
        RIGHTS,
        control(Do::HealthOfOne),
        Doc::new("serviceHealth", "One component, probed", &[(200, Some("ServiceHealth"))]),
    ),
    Route::post(
        "/services/{service}/start",
        RIGHTS,
        control(Do::Start),
        Doc::new("startService", "Put a component back into service", &[(200, Some("ServiceAction"))]),
    ),
    Route::post(
        "/services/{service}/stop",
        RIGHTS,
        control(Do::Stop),
        Doc::new("stopService", "Take a component out of service", &[(200, Some("ServiceAction"))]),
    ),
    Route::post(
        "/services/{service}/restart",
        RIGHTS,
        control(Do::Restart),
        Doc::new("restartService", "Recycle the instances of a component", &[(200, Some("ServiceAction"))]),
    ),
    Route::get(
        "/services/{service}/status",
        RIGHTS,
        control(Do::Status),
        Doc::new("serviceStatus", "What the host says of a component", &[(200, Some("ServiceAction"))]),
    ),
    Route::get(
        "/service-logs",
        RIGHTS,
        control(Do::AllLogs),
        Doc::new("listServiceLogs", "What the components wrote to stdout and stderr", &[(200, Some("AllServiceLogs"))])
            .query(&["lines", "log_filter"]),
    ),
    Route::get(
        "/service-logs/{service}",
        RIGHTS,
        control(Do::Logs),
        Doc::new("getServiceLogs", "What a component wrote to stdout and stderr", &[(200, Some("ServiceLogs"))])
            .query(&["lines", "log_filter"]),
    ),
    Route::delete(
        "/service-logs/{service}",
        RIGHTS,
        control(Do::ClearLogs),
        Doc::new("clearServiceLogs", "Empty a component's log", &[(200, Some("ServiceAction"))]),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Do) -> Result<Response<Body>, Problem> {
    match what {
        Do::Health => health(outside, call).await,
        Do::HealthOfOne => health_of_one(outside, call).await,
        Do::Start => own::once(outside, call, async || action(outside, call, "start").await).await,
        Do::Stop => own::once(outside, call, async || action(outside, call, "stop").await).await,
        Do::Restart => own::once(outside, call, async || action(outside, call, "restart").await).await,
        Do::Status => status(outside, call).await.map(whole),
        Do::AllLogs => all_logs(outside, call).await,
        Do::Logs => logs(outside, call).await,
        Do::ClearLogs => clear_logs(outside, call).await.map(whole),
    }
}

/// `customer-service` where the old platform had a service of that name; else the component's id.
fn key(component: &str) -> String {
    match component {
        "customer" | "conversation" | "messaging" | "media" => format!("{component}-service"),
        other => other.to_owned(),
    }
}

/// The component that the path names, by either name. Only what cannot become another path is passed on.
fn component(call: &Call<'_>) -> Result<String, Problem> {
    let segment = call.parameters.first().copied().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if segment.is_empty() || segment.len() > 64 || !segment.bytes().all(plain) {
        return Err(Problem::not_found("service"));
    }
    let id = segment.strip_suffix("-service").filter(|id| key(id) == segment).unwrap_or(segment);
    Ok(id.to_owned())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn state_of(answer: &Value) -> &str {
    answer.get("state").and_then(Value::as_str).unwrap_or("unknown")
}

/// What the host says of its components; without its surface, those that the gateway calls.
async fn components<B: Outside>(outside: &B, call: &Call<'_>) -> Vec<Value> {
    match admin::get(outside, call, "/components").await {
        Ok(value) => value.get("components").and_then(Value::as_array).cloned().unwrap_or_default(),
        Err(_logged) => Service::NEEDED.map(|service| json!({ "id": service.id() })).into(),
    }
}

async fn health<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    Query::parse(call.query)?.allow(&[])?;
    let components = components(outside, call).await;
    let probed = join_all(components.iter().map(|component| one_health(outside, component))).await;
    let services: Map<String, Value> = probed.into_iter().map(|one| (text(&one, "key").to_owned(), one)).collect();
    ok(&json!({ "services": services, "checked_at": rfc3339(outside.now()) }))
}

async fn health_of_one<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
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
    let (status, circuit) = match service {
        _ if is_stopped => ("stopped", None),
        None => {
            (if matches!(component["state"].as_str(), Some("running") | None) { "healthy" } else { "unhealthy" }, None)
        }
        Some(service) => {
            let circuit = outside.circuits().of(service).state(started).as_str();
            (if answers(outside, service).await { "healthy" } else { "unhealthy" }, Some(circuit))
        }
    };
    let since = component["since"].as_str().and_then(parse_rfc3339);
    json!({
        "name": id,
        "key": key(id),
        "status": status,
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

/// Past the circuit: the probe is what finds out.
async fn answers<B: Outside>(outside: &B, service: Service) -> bool {
    let uri = format!("http://{}.spin.internal/health", service.id());
    let Ok(probe) = Request::get(uri).body(Bytes::new()) else { return false };
    let answer = within(outside, PROBE_DEADLINE, outside.fetch(probe)).await;
    matches!(answer, Some(Ok(answer)) if answer.status().is_success())
}

async fn action<B: Outside>(outside: &B, call: &Call<'_>, word: &str) -> Outcome {
    let id = component(call)?;
    if id == MYSELF {
        return Err(Problem::conflict("the gateway answers this request: use `kobliat` on the machine"));
    }
    if !call.body.trim_ascii().is_empty() {
        own::request(call).decode(|_| ())?;
    }
    let path = format!("/components/{id}/{word}");
    let answer = admin::ask(outside, &call.context, Method::POST, &path, Bytes::new()).await?;
    let state = state_of(&answer);
    let is_done = state == if word == "stop" { "stopped" } else { "running" };
    told(outside, &id, word, is_done, &format!("the component `{id}` is {state}"), &answer)
}

async fn status<B: Outside>(outside: &B, call: &Call<'_>) -> Outcome {
    let id = component(call)?;
    let answer = admin::get(outside, call, &format!("/components/{id}")).await?;
    let state = state_of(&answer);
    told(outside, &id, "status", true, &format!("the component `{id}` is {state}"), &answer)
}

fn told<B: Outside>(outside: &B, id: &str, action: &str, success: bool, message: &str, state: &Value) -> Outcome {
    response::ok(&json!({
        "service": key(id), "action": action, "success": success, "message": message, "state": state["state"],
        "timestamp": rfc3339(outside.now()),
    }))
}

/// The query as the host takes it.
fn lines_and_filter(call: &Call<'_>) -> Result<String, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["lines", "filter"])?;
    let bad_lines = || Problem::invalid_field("?lines", format!("must be 1 to {MAX_LINES}"));
    let lines = match query.get("lines") {
        None => 100,
        Some(text) => text.parse().ok().filter(|n| (1..=MAX_LINES).contains(n)).ok_or_else(bad_lines)?,
    };
    let filter = query.get("filter").unwrap_or("all");
    if !matches!(filter, "all" | "error" | "warning") {
        return Err(Problem::invalid_field("?filter", "must be one of all, error, warning"));
    }
    Ok(format!("?lines={lines}&filter={filter}"))
}

async fn logs_of<B: Outside>(outside: &B, call: &Call<'_>, id: &str, query: &str) -> Result<Value, Problem> {
    let answer = admin::get(outside, call, &format!("/components/{id}/logs{query}")).await?;
    Ok(json!({ "service": key(id), "lines": answer.get("lines") }))
}

async fn logs<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let (id, query) = (component(call)?, lines_and_filter(call)?);
    ok(&logs_of(outside, call, &id, &query).await?)
}

/// The lines of each component; of one whose log cannot be had, a warning.
async fn all_logs<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = lines_and_filter(call)?;
    let listed = admin::get(outside, call, "/components").await?;
    let components = listed.get("components").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<&str> = components.map(|one| text(one, "id")).filter(|id| !id.is_empty()).collect();
    let read = join_all(ids.iter().map(|id| logs_of(outside, call, id, &query))).await;
    let mut warnings = Vec::new();
    let mut services = Map::new();
    for (id, answer) in ids.iter().zip(read) {
        match answer {
            Ok(answer) => drop(services.insert(key(id), answer)),
            Err(problem) => warnings.push(json!({ "part": key(id), "detail": problem.detail })),
        }
    }
    ok(&json!({ "services": services, "warnings": warnings }))
}

async fn clear_logs<B: Outside>(outside: &B, call: &Call<'_>) -> Outcome {
    let id = component(call)?;
    let path = format!("/components/{id}/logs");
    let answer = admin::ask(outside, &call.context, Method::DELETE, &path, Bytes::new()).await?;
    told(outside, &id, "clear-logs", true, &format!("the log of the component `{id}` is empty"), &answer)
}
