//! `/dead-letters`: events that no subscriber took, each tenant's own, for its administrator.

use bytes::Bytes;
use http::{Method, Response};
use serde_json::Value;

use super::own;
use super::{Action, Doc, Route};
use crate::admin;
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::reply::ok;
use crate::scopes;
use sdk::context::ADMIN;
use sdk::pagination::PageRequest;
use sdk::query::{Query, percent_encode};
use sdk::{Outcome, Problem, response};

const RIGHTS: &[&str] = &[ADMIN];
const DEFAULT_ITEMS: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    List,
    Get,
    Redrive,
    Discard,
}

pub const ROUTES: &[Route] = &[
    Route::get(
        "/dead-letters",
        RIGHTS,
        Action::DeadLetters(Do::List),
        Doc::new("listDeadLetters", "Events that no subscriber took", &[(200, Some("DeadLetterList"))]).query(&[
            "tenant",
            "subscription",
            "limit",
            "cursor",
        ]),
    ),
    Route::get(
        "/dead-letters/{dead_letter}",
        RIGHTS,
        Action::DeadLetters(Do::Get),
        Doc::new("getDeadLetter", "One of them, with its event", &[(200, Some("DeadLetter"))]).query(&["tenant"]),
    ),
    Route::post(
        "/dead-letters/{dead_letter}/redrive",
        RIGHTS,
        Action::DeadLetters(Do::Redrive),
        Doc::new("redriveDeadLetter", "Deliver an event again", &[(202, Some("DeadLetter"))]).query(&["tenant"]),
    ),
    Route::delete(
        "/dead-letters/{dead_letter}",
        RIGHTS,
        Action::DeadLetters(Do::Discard),
        Doc::new("discardDeadLetter", "Give an event up for good", &[(204, None)]).query(&["tenant"]),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Do) -> Result<Response<Body>, Problem> {
    match what {
        Do::List => list(outside, call).await,
        Do::Get => ok(&find(outside, call).await?.1),
        Do::Redrive => own::once(outside, call, async || redrive(outside, call).await).await,
        Do::Discard => {
            let (path, _) = find(outside, call).await?;
            admin::ask(outside, &call.context, Method::DELETE, &path, Bytes::new()).await?;
            own::no_content()
        }
    }
}

async fn redrive<B: Outside>(outside: &B, call: &Call<'_>) -> Outcome {
    let (path, found) = find(outside, call).await?;
    admin::ask(outside, &call.context, Method::POST, &format!("{path}/redrive"), Bytes::new()).await?;
    response::accepted(&found)
}

async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant", "subscription", "limit", "cursor"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let PageRequest { limit, cursor } = PageRequest::from_query(&query, DEFAULT_ITEMS)?;
    let mut path = format!("/events/dead-letters?tenant={}&limit={limit}", percent_encode(&tenant));
    for (name, value) in [("subscription", query.get("subscription")), ("cursor", cursor.as_deref())] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", percent_encode(value)));
        }
    }
    ok(&admin::get(outside, call, &path).await?)
}

/// The host's path of the dead letter, and what it is; another tenant's is not there.
async fn find<B: Outside>(outside: &B, call: &Call<'_>) -> Result<(String, Value), Problem> {
    let unknown = || Problem::not_found("dead letter");
    let query = Query::parse(call.query)?;
    query.allow(&["tenant"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let id = call.parameters.first().copied().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Err(unknown());
    }
    let path = format!("/events/dead-letters/{id}");
    let found = admin::get(outside, call, &path).await?;
    let owner = found.get("tenant").or_else(|| found.pointer("/event/tenant")).and_then(Value::as_str);
    if owner == Some(tenant.as_str()) { Ok((path, found)) } else { Err(unknown()) }
}
