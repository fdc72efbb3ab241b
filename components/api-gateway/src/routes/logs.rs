//! `/logs`: the requests of a tenant, for its administrator.

use http::Response;
use serde_json::{Value, json};

use super::own;
use super::{Action, Doc, Route};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::logs::Entry;
use crate::reply::ok;
use crate::store::logs::Filter;
use crate::{scopes, store};
use sdk::clock::{parse_rfc3339, rfc3339};
use sdk::context::ADMIN;
use sdk::pagination::Keyset;
use sdk::query::Query;
use sdk::{Micros, Problem};

const RIGHTS: &[&str] = &[ADMIN];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    List,
    Get,
}

pub const ROUTES: &[Route] = &[
    Route::get(
        "/logs",
        RIGHTS,
        Action::Logs(Do::List),
        Doc::new("listLogs", "Requests, newest first", &[(200, Some("LogList"))]).query(&[
            "tenant",
            "log_method",
            "status_code",
            "log_status",
            "log_path",
            "from",
            "to",
            "limit",
            "cursor",
        ]),
    ),
    Route::get(
        "/logs/{id}",
        RIGHTS,
        Action::Logs(Do::Get),
        Doc::new("getLog", "One request", &[(200, Some("Log"))]).query(&["tenant"]),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Do) -> Result<Response<Body>, Problem> {
    match what {
        Do::List => list(outside, call).await,
        Do::Get => get(outside, call).await,
    }
}

async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant", "method", "status_code", "status", "path", "from", "to", "limit", "cursor"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let name = format!("logs {tenant}");
    let (page, after) = own::page(call, &name)?;
    let rows = store::logs::list_page(outside.tables(), &tenant, &filter(&query)?, &after, page.limit).await;
    let rows = rows.map_err(|error| store::failed(&call.context, "list the request log", &error))?;
    own::list(call, &name, rows, page.limit, |row| Keyset { at: row.created_at, id: row.id.clone() }, view)
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let name = if query.get("status_code").is_some() { "status_code" } else { "status" };
    let bad_status = || Problem::invalid_field(format!("?{name}"), "must be a status code");
    let status = query.get(name).map(|text| text.parse().ok().filter(|code| (100..600).contains(code)));
    Ok(Filter {
        method: query.get("method").map(str::to_uppercase),
        status: status.map(|status| status.ok_or_else(bad_status)).transpose()?,
        path: query.get("path").map(str::to_owned),
        from: time(query, "from")?,
        to: time(query, "to")?,
    })
}

fn time(query: &Query, name: &str) -> Result<Option<Micros>, Problem> {
    let bad = || Problem::invalid_field(format!("?{name}"), "must be an RFC 3339 time");
    query.get(name).map(|text| parse_rfc3339(text).ok_or_else(bad)).transpose()
}

async fn get<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let found = store::logs::get(outside.tables(), &tenant, &call.id()).await;
    let found = found.map_err(|error| store::failed(&call.context, "read the request log", &error))?;
    ok(&view(&found.ok_or_else(|| Problem::not_found("log entry"))?))
}

fn view(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "method": entry.method,
        "path": entry.path,
        "query_params": entry.query_params.as_deref().map(read),
        "request_body": entry.request_body.as_deref().map(read),
        "response_body": entry.response_body.as_deref().map(read),
        "status_code": entry.status,
        "duration_ms": entry.duration_ms,
        "ip_address": entry.ip_address,
        "principal": entry.principal,
        "request_id": entry.request_id,
        "trace_id": entry.trace_id,
        "created_at": rfc3339(entry.created_at),
    })
}

/// As JSON; what was cut is text.
fn read(kept: &str) -> Value {
    serde_json::from_str(kept).unwrap_or_else(|_| kept.into())
}
