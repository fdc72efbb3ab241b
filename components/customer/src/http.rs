//! The REST surface, as the gateway forwards it.

use sdk::{
    App, Context, Input, Outcome, Problem, Request, Router,
    idempotency::{Answer, Done, Key, Once},
    pagination::{self, Page, PageRequest},
    response,
};
use serde_json::json;

use crate::{
    domain::{self, Changes, Error, NewCustomer, Store, Upserted},
    view::View,
};

const PAGE: u32 = 20;

pub fn router<S: Store + 'static>() -> Router<App<S>> {
    Router::internal()
        .get("/customers", list)
        .post("/customers", upsert)
        .get("/customers/external/:type/:external_id", by_external_id)
        .get("/customers/:id", get)
        .put("/customers/:id", update)
        .get("/stats/channels", channels)
}

async fn list<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let query = request.query()?;
    query.allow(&["external_type", "limit", "cursor"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let found = domain::list(&app.store, &request.context, query.get("external_type"), &page).await;
    let Page { items, next_cursor } = found.map_err(|e| problem(&request.context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

async fn upsert<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:write")?;
    let new = request.decode(new_customer)?;
    let answer =
        |upserted: &Upserted| told(upserted).as_ref().map_or(Answer { status: 500, body: String::new() }, Answer::of);
    let once = Key::of(&request)?.map(|key| Once { key, answer: &answer });
    let done = app.store.upsert(&request.context, &new, app.clock.now(), once.as_ref()).await;
    match done.map_err(|e| problem(&request.context, e))? {
        Done::Now(upserted) => told(&upserted),
        Done::Before(answer) => Ok(answer.replay()),
    }
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
    let view = View::from(upserted.customer.clone());
    if upserted.is_new { response::created(&view) } else { response::ok(&view) }
}

async fn get<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let id = request.id("id", "customer")?;
    let customer = domain::get(&app.store, &request.context, &id).await;
    response::ok(&View::from(customer.map_err(|e| problem(&request.context, e))?))
}

async fn by_external_id<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:read")?;
    let (kind, external_id) = (request.param("type"), request.param("external_id"));
    let found = app.store.by_external_id(&request.context.tenant, kind, external_id).await;
    let found = found.map_err(|e| problem(&request.context, e))?;
    response::ok(&View::from(found.ok_or_else(|| Problem::not_found("customer"))?))
}

async fn update<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("customers:write")?;
    let id = request.id("id", "customer")?;
    let changes = request.decode(changes)?;
    let updated = app.store.update(&request.context, &id, &changes, app.clock.now()).await;
    let updated = updated.map_err(|e| problem(&request.context, e))?;
    response::ok(&View::from(updated.ok_or_else(|| Problem::not_found("customer"))?))
}

fn changes(input: &mut Input) -> Changes {
    if !input.has("name") && !input.has("metadata") {
        input.refuse("name", "name or metadata is required");
    }
    Changes { name: input.text("name", domain::MAX_NAME), metadata: input.optional_object("metadata") }
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
