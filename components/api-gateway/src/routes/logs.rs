//! `/logs`: the requests of a tenant, for its administrator.

mod filter;
mod paging;

use http::Response;
use serde_json::{Value, json};

use super::own;
use super::{Action, Doc, Route};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::logs::Entry;
use crate::reply::ok;
use crate::store::logs::Place;
use crate::{scopes, store};
use sdk::Problem;
use sdk::clock::rfc3339;
use sdk::context::ADMIN;
use sdk::pagination::Keyset;
use sdk::query::Query;

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
            "start_date",
            "end_date",
            "limit",
            "cursor",
            "page",
            "per_page",
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
    query.allow(&[
        "tenant",
        "method",
        "status_code",
        "status",
        "path",
        "from",
        "to",
        "start_date",
        "end_date",
        "limit",
        "cursor",
        "page",
        "per_page",
    ])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let name = format!("logs {tenant}");
    let page = paging::asked(call, &query, &name)?;
    let place = Place { after: &page.after, skipped: page.skipped(), limit: page.limit };
    let rows = store::logs::list_page(outside.tables(), &tenant, &filter::of(&query)?, &place).await;
    let rows = rows.map_err(|error| store::failed(&call.context, "list the request log", &error))?;
    let answer =
        own::list(call, &name, rows, page.limit, |row| Keyset { at: row.created_at, id: row.id.clone() }, view)?;
    paging::numbered(answer, &page).await
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
