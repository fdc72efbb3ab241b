//! The REST surface, as the gateway forwards it.

use sdk::{
    App, Context, Input, Outcome, Problem, Request, Router, etag,
    event::Incoming,
    idempotency::{Once, answer_once},
    pagination::{self, Page, PageRequest},
    period::{Order, Period},
    response,
};
use serde_json::json;

use crate::{
    domain::{self, Changes, Customer, Deletion, Error, Metadata, NewCustomer, Store, Upserted},
    erasure::{self, History},
    finding::{self, Filter},
    view::View,
};

const PAGE: u32 = 20;

pub fn router<S: Store + 'static>() -> Router<App<S>> {
    Router::internal()
        .get("/customers", list)
        .post("/customers", upsert)
        .get("/customers/external/:type/:external_id", by_external_id)
        .get("/customers/:id", get)
        .put("/customers/:id", replace)
        .patch("/customers/:id", merge)
        .delete("/customers/:id", delete)
        .get("/customers/:id/erasure", erasure)
        .get("/stats/channels", channels)
        .platform("/events", erased)
}

async fn list<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let query = request.query()?;
    query.allow(&["external_type", "q", "created_after", "created_before", "sort", "limit", "cursor"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let words = query.get("q").map(finding::words).transpose();
    let words = words.map_err(|reason| Problem::invalid_field("?q", reason))?;
    let filter = Filter {
        external_type: query.get("external_type").map(str::to_owned),
        words,
        period: Period::of(&query)?,
        order: Order::of(&query)?,
    };
    let found = finding::list(&app.store, &request.context, &filter, &page).await;
    let Page { items, next_cursor } = found.map_err(|e| problem(&request.context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

async fn upsert<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:write")?;
    let new = request.decode(new_customer)?;
    let context = &request.context;
    let upsert = async |once: Option<&Once<'_, Upserted>>| app.store.upsert(context, &new, app.clock.now(), once).await;
    answer_once(&request, told, upsert, |e| problem(context, e)).await
}

fn new_customer(input: &mut Input) -> NewCustomer {
    NewCustomer {
        external_id: input.required_text("external_id", domain::MAX_EXTERNAL_ID),
        external_type: input.required_text("external_type", domain::MAX_TYPE),
        name: input.text("name", domain::MAX_NAME),
        metadata: input.optional_object("metadata"),
    }
}

fn told(upserted: &Upserted) -> Outcome {
    let (view, updated_at) = (View::from(upserted.customer.clone()), upserted.customer.updated_at);
    let answer = if upserted.is_new { response::created(&view) } else { response::ok(&view) };
    answer.map(|answer| etag::with(answer, updated_at))
}

/// In its version.
fn shown(customer: Customer) -> Outcome {
    let updated_at = customer.updated_at;
    response::ok(&View::from(customer)).map(|answer| etag::with(answer, updated_at))
}

async fn get<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let id = request.id("id", "customer")?;
    let customer = domain::get(&app.store, &request.context, &id).await;
    shown(customer.map_err(|e| problem(&request.context, e))?)
}

async fn by_external_id<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let (kind, external_id) = (request.param("type"), request.param("external_id"));
    let found = app.store.by_external_id(&request.context.tenant, kind, external_id).await;
    let found = found.map_err(|e| problem(&request.context, e))?;
    shown(found.ok_or_else(|| Problem::not_found("customer"))?)
}

/// The metadata that is given takes the place of the old one.
async fn replace<S: Store>(app: &App<S>, request: Request) -> Outcome {
    update(app, request, Metadata::Instead).await
}

/// The metadata that is given is merged into the old one.
async fn merge<S: Store>(app: &App<S>, request: Request) -> Outcome {
    update(app, request, Metadata::Merged).await
}

async fn update<S: Store>(app: &App<S>, request: Request, metadata: fn(String) -> Metadata) -> Outcome {
    request.context.require("customers:write")?;
    let id = request.id("id", "customer")?;
    let changes = request.decode(|input| changes(input, metadata))?;
    let changes = Changes { version: etag::if_match(&request)?, ..changes };
    let updated = app.store.update(&request.context, &id, &changes, app.clock.now()).await;
    shown(updated.map_err(|e| problem(&request.context, e))?)
}

fn changes(input: &mut Input, metadata: fn(String) -> Metadata) -> Changes {
    let (name, metadata) =
        (input.changed_text("name", domain::MAX_NAME), input.optional_object("metadata").map(metadata));
    if name.is_none() && metadata.is_none() {
        input.refuse("name", "name or metadata is required");
    }
    Changes { name, metadata, version: None }
}

async fn delete<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:write")?;
    let id = request.id("id", "customer")?;
    let query = request.query()?;
    query.allow(&["messages"])?;
    let unknown = || Problem::invalid_field("?messages", "must be keep or erase");
    let history = query.get("messages").map_or(Ok(History::Keep), |word| History::parse(word).ok_or_else(unknown))?;
    let deletion = Deletion { id: &id, version: etag::if_match(&request)?, history };
    let deleted = app.store.delete(&request.context, &deletion, app.clock.now()).await;
    deleted.map_err(|e| problem(&request.context, e))?;
    response::no_content()
}

/// What became of forgetting a customer.
async fn erasure<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let id = request.id("id", "erasure")?;
    let found = erasure::get(&app.store, &request.context, &id).await;
    response::ok(&erasure::View::from(found.map_err(|e| e.problem(&request.context, "erasure"))?))
}

/// A service removed something of a customer who is forgotten.
async fn erased<S: Store>(app: &App<S>, request: Request) -> Outcome {
    let event = Incoming::of(&request)?;
    if event.kind() == erasure::ERASED
        && let Some(report) = erasure::Report::of(&event)
    {
        let reported = app.store.report(&event, &report, app.clock.now()).await;
        reported.map_err(|e| problem(&request.context, e))?;
    }
    response::no_content()
}

/// Customers per channel, for the dashboard's chart: `[{"name":"Whatsapp","value":1}]`.
async fn channels<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let counts = app.store.count_by_type(&request.context.tenant).await.map_err(|e| problem(&request.context, e))?;
    let bars: Vec<_> = counts.iter().map(|(kind, n)| json!({ "name": capitalised(kind), "value": n })).collect();
    response::ok(&bars)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "customer")
}
