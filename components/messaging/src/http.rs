//! The REST surface, as the gateway forwards it (after it has checked that conversation, sender and media exist).

use sdk::{
    App, Context, Input, Outcome, Problem, Request, Router, etag,
    event::Incoming,
    idempotency::{Once, answer_once},
    ids,
    pagination::{self, Page, PageRequest},
    period::{Order, Period},
    query::Query,
    response,
    search::Words,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{self, Changes, Direction, Error, Inserted, Message, NewMessage, Status, Store},
    erasure::{self, Erasure},
    finding::{self, Filter},
    history,
    view::{ReceiptView, VersionView, View},
};

const PAGE: u32 = 50;
/// From the gateway, which has looked the attachment up.
const ATTACHED: &str = "kobliat-attached";

pub fn router<S: Store + 'static>() -> Router<App<S>> {
    Router::internal()
        .get("/messages", search)
        .post("/messages", create)
        .get("/messages/:id", get)
        .put("/messages/:id", update)
        .patch("/messages/:id", update)
        .get("/messages/:id/history", history)
        .get("/messages/:id/receipts", receipts)
        .post("/messages/:id/retry", retry)
        .get("/conversations/:id/messages", list)
        .platform("/internal/tick", index)
        .platform("/events", take)
}

async fn create<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let attached = request.header(ATTACHED);
    let new = request.decode(|input| new_message(input, attached))?;
    domain::check(&new).map_err(|e| problem(&request.context, e))?;
    let (context, now) = (&request.context, app.clock.now());
    let insert = async |once: Option<&Once<'_, Inserted>>| app.store.insert_once(context, &new, now, once).await;
    answer_once(&request, told, insert, |e| problem(context, e)).await
}

/// `attached` is what the attachment is, as far as anybody knows.
fn new_message(input: &mut Input, attached: Option<&str>) -> NewMessage {
    if !input.has("direction") {
        input.refuse("direction", "is required");
    }
    let (body, media_id) = (input.text("body", domain::MAX_TYPED_CHARS), input.id("media_id"));
    let metadata = input.object("metadata");
    let content_type = content_type(input, media_id.is_some(), attached, &metadata);
    // After reading, because blanks say no more than nothing.
    if body.is_none() && media_id.is_none() && !says_it_otherwise(&content_type, &metadata) {
        input
            .refuse("body", "body or media_id is required, or what `content_type` names under that name in `metadata`");
    }
    NewMessage {
        conversation_id: input.required_id("conversation_id"),
        sender_customer_id: input.id("sender_customer_id"),
        direction: input
            .choice("direction", Direction::parse, "inbound, outbound, system")
            .unwrap_or(Direction::System),
        body,
        content_type,
        media_id,
        channel: input.text("channel", domain::MAX_WORD),
        channel_account_id: input.text("channel_account_id", domain::MAX_REF),
        external_message_id: input.text("external_message_id", domain::MAX_REF),
        client_ref: input.text("client_ref", domain::MAX_REF),
        sent_at: input.time("sent_at"),
        metadata,
    }
}

/// A template, a place, a reaction … needs no words: what it is stands in the metadata, under the name of its type. Twilio's templates
/// are `content_sid`; a file may be named by `media` instead of being kept here.
fn says_it_otherwise(content_type: &str, metadata: &str) -> bool {
    let Ok(Value::Object(metadata)) = serde_json::from_str(metadata) else { return false };
    let is_there = |name: &str| match metadata.get(name) {
        Some(Value::Object(content)) => !content.is_empty(),
        Some(Value::Array(content)) => !content.is_empty(),
        Some(Value::String(content)) => !content.is_empty(),
        _ => false,
    };
    match content_type {
        "text" => false,
        "template" => is_there("template") || is_there("content_sid"),
        "image" | "audio" | "video" | "document" | "sticker" => is_there("media"),
        kind => is_there(kind),
    }
}

/// What kind of message it is. A media type says the same of a file, so it is taken for that; where there is no file, it is refused here
/// and not when the message is sent.
fn content_type(input: &mut Input, is_attached: bool, attached: Option<&str>, metadata: &str) -> String {
    let given = input.text("content_type", domain::MAX_MEDIA_TYPE);
    let (kind, refusal) = match given {
        None if is_attached => (Ok(attached.unwrap_or("document").to_owned()), ""),
        None => (Ok("text".to_owned()), ""),
        // What the file is counts more than what is said of it.
        Some(given) if given.contains('/') => (
            attached
                .filter(|_| is_attached)
                .or(domain::kind_of(&given, is_attached, metadata))
                .map(str::to_owned)
                .ok_or(given),
            "is a media type without a file of it: give a media_id, or say text, image, audio, video or document",
        ),
        Some(given) if given.len() > domain::MAX_WORD => (Err(given), "has more than 64 characters"),
        Some(given) => (Ok(given), ""),
    };
    kind.unwrap_or_else(|given| {
        input.refuse("content_type", refusal);
        given
    })
}

/// 200 for a message that was there: the caller's own repetition by `client_ref` or external id.
fn told(inserted: &Inserted) -> Outcome {
    let (view, updated_at) = (View::from(inserted.message.clone()), inserted.message.updated_at);
    let answer = if inserted.duplicate { response::ok(&view) } else { response::created(&view) };
    answer.map(|answer| etag::with(answer, updated_at))
}

/// In its version.
fn shown(message: Message) -> Outcome {
    let updated_at = message.updated_at;
    response::ok(&View::from(message)).map(|answer| etag::with(answer, updated_at))
}

async fn get<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:read")?;
    let id = request.id("id", "message")?;
    let message = domain::get(&app.store, &request.context, &id).await;
    shown(message.map_err(|e| problem(&request.context, e))?)
}

async fn update<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let id = request.id("id", "message")?;
    let changes = request.decode(changes)?;
    let changes = Changes { version: etag::if_match(&request)?, ..changes };
    let updated = app.store.update(&request.context, &id, &changes, app.clock.now()).await;
    shown(updated.map_err(|e| problem(&request.context, e))?)
}

/// Sends once more what failed or is unknown; accepted, because it is only queued here.
async fn retry<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let id = request.id("id", "message")?;
    let context = &request.context;
    let retry = async |once: Option<&Once<'_, Message>>| app.store.retry(context, &id, app.clock.now(), once).await;
    answer_once(&request, accepted, retry, |e| problem(context, e)).await
}

fn accepted(message: &Message) -> Outcome {
    response::accepted(&View::from(message.clone()))
}

fn changes(input: &mut Input) -> Changes {
    if !input.has("body") && !input.has("status") {
        input.refuse("body", "body or status is required");
    }
    Changes {
        body: input.has("body").then(|| input.required_text("body", domain::MAX_TYPED_CHARS)),
        status: input.choice(
            "status",
            |word| Status::parse(word).filter(|s| is_told(*s)),
            "sent, delivered, read, failed",
        ),
        version: None,
    }
}

/// What a client may say of a message. Queued it is by being stored, or by asking to send it again; and that nobody knows is
/// nothing that anybody could tell.
fn is_told(status: Status) -> bool {
    !matches!(status, Status::Queued | Status::Unknown)
}

/// That the conversation exists, the gateway has checked: here one without messages is an empty list.
async fn list<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:read")?;
    let id = request.id("id", "conversation")?;
    let query = request.query()?;
    query.allow(&["cursor", "limit", "after", "q"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    if let Some(words) = Words::of(&query)? {
        if query.get("after").is_some() {
            return Err(Problem::invalid_field("?after", "goes with no search"));
        }
        let filter = Filter { words: Some(words), conversation_id: Some(id), ..Filter::default() };
        return found(app, &request.context, &filter, &page, &query).await;
    }
    let no_number = || Problem::invalid_field("?after", "must be a sequence number");
    let after = query.get("after").map(|text| text.parse().map_err(|_| no_number())).transpose()?;
    let cursor = page.cursor.as_deref();
    let found = domain::list(&app.store, &request.context, &id, cursor, after, page.limit).await;
    let (Page { items, next_cursor }, total) = found.map_err(|e| problem(&request.context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, Some(total))
}

/// All messages, or those that are found by what is said, by time, by how sending them ended.
async fn search<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:read")?;
    let query = request.query()?;
    query.allow(&[
        "q",
        "status",
        "failed",
        "conversation_id",
        "sender_customer_id",
        "created_after",
        "created_before",
        "sort",
        "cursor",
        "limit",
    ])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    found(app, &request.context, &filter(&query)?, &page, &query).await
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let id = |name: &str| {
        let no_id = || Problem::invalid_field(format!("?{name}"), "must be a UUID");
        query.get(name).map(|id| ids::parse(id).ok_or_else(no_id)).transpose()
    };
    let (status, without) = statuses(query)?;
    let filter = Filter {
        words: Words::of(query)?,
        status,
        without,
        conversation_id: id("conversation_id")?,
        sender_customer_id: id("sender_customer_id")?,
        period: Period::of(query)?,
        order: Order::of(query)?,
    };
    match filter.sender_customer_id.is_none() || filter.is_narrow() {
        true => Ok(filter),
        false => Err(Problem::invalid_field("?sender_customer_id", "goes with q, status, failed or conversation_id")),
    }
}

/// `status`, or `failed` for short: which one is wanted, and which one is not.
fn statuses(query: &Query) -> Result<(Option<Status>, Option<Status>), Problem> {
    let unknown = || Problem::invalid_field("?status", "must be one of queued, unknown, failed");
    let known = |word: &str| Status::parse(word).filter(|status| Filter::is_unsettled(*status)).ok_or_else(unknown);
    let status = query.get("status").map(known).transpose()?;
    match (status, query.flag("failed")?) {
        (status, None) => Ok((status, None)),
        (None, Some(true)) => Ok((Some(Status::Failed), None)),
        (None, Some(false)) => Ok((None, Some(Status::Failed))),
        (Some(_), Some(_)) => Err(Problem::invalid_field("?failed", "does not go with status")),
    }
}

async fn found<S: Store>(
    app: &App<S>,
    context: &Context,
    filter: &Filter,
    page: &PageRequest,
    query: &Query,
) -> Outcome {
    let found = finding::find(&app.store, context, filter, page).await;
    let Page { items, next_cursor } = found.map_err(|e| problem(context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, query, None)
}

async fn history<S: Store>(app: &App<S>, request: Request) -> Outcome {
    past(&request, async |id, page| {
        let found = history::versions(&app.store, &request.context, id, page).await?;
        let items = found.items.into_iter().map(VersionView::from).collect();
        Ok(Page { items, next_cursor: found.next_cursor })
    })
    .await
}

async fn receipts<S: Store>(app: &App<S>, request: Request) -> Outcome {
    past(&request, async |id, page| {
        let found = history::receipts(&app.store, &request.context, id, page).await?;
        let items = found.items.into_iter().map(ReceiptView::from).collect();
        Ok(Page { items, next_cursor: found.next_cursor })
    })
    .await
}

/// One of the lists of a message's past.
async fn past<T: Serialize>(
    request: &Request,
    read: impl AsyncFnOnce(&str, &PageRequest) -> Result<Page<T>, Error>,
) -> Outcome {
    request.context.require("messages:read")?;
    let id = request.id("id", "message")?;
    let query = request.query()?;
    query.allow(&["cursor", "limit"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let found = read(&id, &page).await.map_err(|e| problem(&request.context, e))?;
    pagination::list(&found, page.limit, &query, None)
}

/// The platform's tick: the search catches up with what was stored. What is left is the next one's.
async fn index<S: Store>(app: &App<S>, request: Request) -> Outcome {
    app.store.index_more().await.map_err(|e| problem(&request.context, e))?;
    response::no_content()
}

/// A customer is forgotten, and it is known where messages of the person are.
async fn take<S: Store>(app: &App<S>, request: Request) -> Outcome {
    let event = Incoming::of(&request)?;
    let erasure = if event.kind() == erasure::ERASED { Erasure::of(&event)? } else { None };
    let Some(erasure) = erasure else { return response::no_content() };
    let is_done = app.store.erase(&event, &erasure, app.clock.now()).await;
    match is_done.map_err(|e| problem(&request.context, e))? {
        true => response::no_content(),
        false => Err(Problem::unavailable("there is more to erase than one turn can do")),
    }
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "message")
}
