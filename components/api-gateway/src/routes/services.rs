//! `/services`, `/service-logs`: the components of the platform, for who operates it.

mod health;

use bytes::Bytes;
use futures::future::join_all;
use http::{Method, Response};
use serde_json::{Map, Value, json};

use super::own;
use super::{Action, Doc, Route};
use crate::admin;
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::reply::{ok, whole};
use crate::store;
use sdk::clock::rfc3339;
use sdk::context::OPERATOR;
use sdk::query::Query;
use sdk::{Outcome, Problem, log, response};

const RIGHTS: &[&str] = &[OPERATOR];
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
        Do::Health => health::of_all(outside, call).await,
        Do::HealthOfOne => health::of_one(outside, call).await,
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
    if is_done
        && word != "stop"
        && let Err(error) = store::starts::note(outside.tables(), &id, outside.now()).await
    {
        log::warn(&call.context, "failed to note that a service was started", &[("reason", &error)]);
    }
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
