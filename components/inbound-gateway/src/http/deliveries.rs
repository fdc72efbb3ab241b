//! `/inbound-deliveries`: a tenant's webhooks as they were stored, what became of each of their items, and another chance for what failed.

use http::StatusCode;
use sdk::idempotency::{Once, answer_once};
use sdk::pagination::{self, Page, PageRequest};
use sdk::{Context, Error, Outcome, Problem, Request, response};
use serde::Serialize;
use serde_json::{Value, json};

use super::accounts::is_of;
use crate::domain::outcome::{Item, Outcomes};
use crate::domain::review::{Filter, Kept, Review, Word};
use crate::domain::{Platform, outcome};

const PAGE: u32 = 20;
const LIST: &str = "inbound-deliveries";
/// Above all ids.
const NEWEST: &str = "~";
/// Of a body: whatever a person wants to look at.
const SHOWN_BYTES: u32 = 64 << 10;
/// Items that a list shows of a delivery: those that went wrong.
const SHOWN_ITEMS: usize = 20;

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    channel: &'a str,
    channel_account_id: Option<&'a str>,
    status: &'static str,
    received_at: String,
    attempts: u32,
    /// Of a pending one.
    next_attempt_at: Option<String>,
    size_bytes: u64,
    items: Counts,
    /// Those that were rejected, failed or wait, in a list the first of them.
    problems: Vec<&'a Item>,
}

#[derive(Serialize)]
struct Counts {
    accepted: usize,
    duplicates: usize,
    ignored: usize,
    rejected: usize,
    failed: usize,
    waiting: usize,
}

pub async fn list<P: Platform>(platform: &P, request: Request) -> Outcome {
    let (context, query) = (&request.context, request.query()?);
    context.require(sdk::context::ADMIN)?;
    query.allow(&["tenant", "status", "outcome", "limit", "cursor"])?;
    is_of(context, query.get("tenant"), "?tenant")?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let filter = filter(query.get("status"), query.get("outcome"))?;
    let name = format!("{LIST} {} {filter:?}", context.tenant);
    let before = match &page.cursor {
        None => NEWEST.to_owned(),
        Some(cursor) => pagination::open(&name, cursor).ok_or_else(pagination::bad_cursor)?,
    };
    let rows = platform.store().deliveries(&context.tenant, filter, &before, page.limit + 1).await;
    let rows = rows.map_err(|error| problem(context, error))?;
    let Page { items, next_cursor } = Page::cut(rows, page.limit, |last| pagination::seal(&name, &last.id));
    let outcomes: Vec<Outcomes> = items.iter().map(Kept::items).collect();
    let items = items.iter().zip(&outcomes).map(|(kept, outcomes)| view(kept, outcomes, SHOWN_ITEMS)).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

fn filter(status: Option<&str>, outcome: Option<&str>) -> Result<Filter, Problem> {
    match (status, outcome) {
        (None, None) => Ok(Filter::All),
        (None, Some("rejected")) => Ok(Filter::WithRejectedItems),
        (None, Some(_)) => Err(Problem::invalid_field("?outcome", "must be rejected")),
        (Some(status), None) => Word::parse(status)
            .map(Filter::Of)
            .ok_or_else(|| Problem::invalid_field("?status", "must be one of pending, done, rejected, failed")),
        (Some(_), Some(_)) => Err(Problem::invalid_field("?outcome", "may not be given together with status")),
    }
}

fn view<'a>(kept: &'a Kept, outcomes: &'a Outcomes, most: usize) -> View<'a> {
    let outcome::Counts { accepted, duplicates, ignored, rejected, failed } = outcomes.counts();
    let waiting = outcomes.0.iter().filter(|item| !item.is_finished()).count();
    let is_bad = |item: &&Item| {
        !item.is_finished() || matches!(item.outcome, Some(outcome::Outcome::Rejected | outcome::Outcome::Failed))
    };
    View {
        id: &kept.id,
        channel: &kept.channel,
        channel_account_id: kept.account.as_deref(),
        status: kept.state.as_str(),
        received_at: sdk::clock::rfc3339(kept.received_at),
        attempts: kept.attempts,
        next_attempt_at: kept.due_at.filter(|_| kept.state == Word::Pending).map(sdk::clock::rfc3339),
        size_bytes: kept.size_bytes,
        items: Counts { accepted, duplicates, ignored, rejected, failed, waiting },
        problems: outcomes.0.iter().filter(is_bad).take(most).collect(),
    }
}

/// With its headers, and its body as it came; what is not text is shown with the replacement character.
pub async fn get<P: Platform>(platform: &P, request: Request) -> Outcome {
    let kept = found(platform, &request).await?;
    let outcomes = kept.items();
    let mut shown = serde_json::to_value(view(&kept, &outcomes, usize::MAX))
        .map_err(|error| super::internal(&request, &error.to_string()))?;
    if let Some(members) = shown.as_object_mut() {
        let headers: Value = serde_json::from_str(&kept.headers).unwrap_or_default();
        members.insert("headers".to_owned(), headers);
        members.insert("body".to_owned(), String::from_utf8_lossy(&kept.body).into());
        members.insert("body_is_cut".to_owned(), (kept.size_bytes > SHOWN_BYTES.into()).into());
    }
    response::ok(&shown)
}

async fn found<P: Platform>(platform: &P, request: &Request) -> Result<Kept, Problem> {
    let (context, query) = (&request.context, request.query()?);
    context.require(sdk::context::ADMIN)?;
    query.allow(&["tenant"])?;
    is_of(context, query.get("tenant"), "?tenant")?;
    let id = request.id("id", "inbound delivery")?;
    let found = platform.store().delivery(&context.tenant, &id, SHOWN_BYTES).await;
    found.map_err(|error| problem(context, error))?.ok_or_else(|| Problem::not_found("inbound delivery"))
}

/// What failed or was rejected is done again by the next tick.
pub async fn redrive<P: Platform>(platform: &P, request: Request) -> Outcome {
    let (context, query) = (&request.context, request.query()?);
    context.require(sdk::context::ADMIN)?;
    query.allow(&["tenant"])?;
    is_of(context, query.get("tenant"), "?tenant")?;
    let id = request.id("id", "inbound delivery")?;
    let told = |(): &()| response::json(StatusCode::ACCEPTED, &json!({ "id": id, "status": Word::Pending.as_str() }));
    let work =
        async |once: Option<&Once<'_, ()>>| platform.store().redrive(&context.tenant, &id, platform.now(), once).await;
    answer_once(&request, told, work, |error| problem(context, error)).await
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "inbound delivery")
}
