//! `/webhook-endpoints`

use sdk::{
    Context, Error, Input, Outcome, Problem, Request, etag,
    idempotency::{Answer, Done, Key, Once},
    ids,
    pagination::{self, Page, PageRequest},
    response,
    sql::Driver,
};

use super::{
    PAGE, before, cut, failed,
    view::{AttemptView, EndpointView},
};
use crate::{
    address::MAX_URL,
    app::{App, Platform},
    endpoint::{self, Changes, Endpoint, MAX_DESCRIPTION, MAX_PATTERNS, NewEndpoint, Status},
    secrets::Secrets,
    signature,
    store::{deliveries, endpoints},
};

const READ: &str = "webhooks:read";
pub(super) const WRITE: &str = "webhooks:write";

pub async fn list<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(READ)?;
    let query = request.query()?;
    query.allow(&["limit", "cursor"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let tenant = &request.context.tenant;
    let name = format!("webhook-endpoints/{tenant}");
    let rows = endpoints::list(&app.database, tenant, &before(&name, &page)?, page.limit + 1).await;
    let Page { items, next_cursor } = cut(&name, rows.map_err(failed(&request.context))?, &page, |row| &row.id);
    let items: Vec<EndpointView> = items.into_iter().map(Into::into).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

/// The secret is in this answer and in no other, so a repetition by `Idempotency-Key` shows the endpoint without it.
pub async fn create<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let mut new = request.decode(new_endpoint)?;
    new.url = check(&request.context, endpoint::check_url(&new.url, app.allows_private().await))?;
    check(&request.context, endpoint::check_events(&new.events))?;
    let (id, secret) = (ids::new(), new_secret(&request.context)?);
    let sealed = sealed(app, &request.context, &id, &secret).await?;
    let answer = |created: &Endpoint| told(created, None).as_ref().map_or(FAILED, Answer::of);
    let once = Key::of(&request)?.map(|key| Once { key, answer: &answer });
    let new = (request.context.tenant.as_str(), id.as_str(), &new);
    let created = endpoints::create(&app.database, new, &sealed, app.clock.now(), once.as_ref()).await;
    match check(&request.context, created)? {
        Done::Now(created) => told(&created, Some(secret)),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

pub(super) const FAILED: Answer = Answer { status: 500, body: String::new() };

fn new_endpoint(input: &mut Input) -> NewEndpoint {
    if !input.has("events") {
        input.refuse("events", "is required");
    }
    NewEndpoint {
        url: input.required_text("url", MAX_URL),
        events: input.texts("events", MAX_PATTERNS).unwrap_or_default(),
        description: input.text("description", MAX_DESCRIPTION),
    }
}

fn told(created: &Endpoint, secret: Option<String>) -> Outcome {
    let made = response::created(&EndpointView { secret, ..created.clone().into() });
    made.map(|answer| etag::with(answer, created.updated_at))
}

pub(super) fn new_secret(context: &Context) -> Result<String, Problem> {
    check(context, signature::new_secret().map_err(Error::Internal))
}

/// As it is kept.
pub(super) async fn sealed<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    id: &str,
    secret: &str,
) -> Result<String, Problem> {
    let secrets = check(context, Secrets::of(&app.platform).await.map_err(Error::Internal))?;
    check(context, secrets.seal(&context.tenant, id, secret).map_err(Error::Internal))
}

pub(super) fn check<T>(context: &Context, checked: Result<T, Error>) -> Result<T, Problem> {
    checked.map_err(|error| error.problem(context, "webhook endpoint"))
}

pub async fn get<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(READ)?;
    shown(find(app, &request).await?)
}

/// In its version.
fn shown(endpoint: Endpoint) -> Outcome {
    let updated_at = endpoint.updated_at;
    response::ok(&EndpointView::from(endpoint)).map(|answer| etag::with(answer, updated_at))
}

pub(super) async fn find<D: Driver, P: Platform>(app: &App<D, P>, request: &Request) -> Result<Endpoint, Problem> {
    let id = request.id("id", "webhook endpoint")?;
    let found = endpoints::get(&app.database, &request.context.tenant, &id).await;
    found.map_err(failed(&request.context))?.ok_or_else(unknown)
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("webhook endpoint")
}

pub async fn update<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let id = request.id("id", "webhook endpoint")?;
    let mut changes = request.decode(changes)?;
    if let Some(url) = &changes.url {
        let url = endpoint::check_url(url, app.allows_private().await);
        changes.url = Some(check(&request.context, url)?);
    }
    if let Some(events) = &changes.events {
        check(&request.context, endpoint::check_events(events))?;
    }
    changes.version = etag::if_match(&request)?;
    let updated = endpoints::update(&app.database, &request.context.tenant, &id, &changes, app.clock.now()).await;
    shown(check(&request.context, updated)?)
}

fn changes(input: &mut Input) -> Changes {
    if !["url", "events", "description", "status"].iter().any(|name| input.has(name)) {
        input.refuse("url", "url, events, description or status is required");
    }
    Changes {
        url: input.text("url", MAX_URL),
        events: input.texts("events", MAX_PATTERNS),
        description: input.text("description", MAX_DESCRIPTION),
        status: input.choice("status", Status::parse, "enabled, disabled"),
        version: None,
    }
}

pub async fn delete<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(WRITE)?;
    let id = request.id("id", "webhook endpoint")?;
    let version = etag::if_match(&request)?;
    let deleted = endpoints::delete(&app.database, &request.context.tenant, &id, version).await;
    check(&request.context, deleted).and_then(|()| response::no_content())
}

pub async fn attempts<D: Driver, P: Platform>(app: &App<D, P>, request: Request) -> Outcome {
    request.context.require(READ)?;
    let query = request.query()?;
    query.allow(&["limit", "cursor"])?;
    let (page, endpoint) = (PageRequest::from_query(&query, PAGE)?, find(app, &request).await?);
    let tenant = &request.context.tenant;
    let name = format!("webhook-attempts/{tenant}/{}", endpoint.id);
    let rows = deliveries::attempts(&app.database, tenant, &endpoint.id, &before(&name, &page)?, page.limit + 1).await;
    let Page { items, next_cursor } = cut(&name, rows.map_err(failed(&request.context))?, &page, |row| &row.id);
    let items: Vec<AttemptView> = items.into_iter().map(Into::into).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}
