//! The REST surface, as the gateway forwards it (after it has checked that conversation, sender and media exist).

use sdk::{
    App, Context, Input, Outcome, Problem, Request, Router,
    idempotency::{Answer, Done, Key, Once},
    pagination::{self, Page, PageRequest},
    response,
};

use crate::{
    domain::{self, Changes, Direction, Error, Inserted, Message, NewMessage, Status, Store},
    view::View,
};

const PAGE: u32 = 50;

pub fn router<S: Store + 'static>() -> Router<App<S>> {
    Router::internal()
        .post("/messages", create)
        .get("/messages/:id", get)
        .put("/messages/:id", update)
        .post("/messages/:id/retry", retry)
        .get("/conversations/:id/messages", list)
}

async fn create<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let new = request.decode(new_message)?;
    domain::check(&new).map_err(|e| problem(&request.context, e))?;
    let answer =
        |inserted: &Inserted| told(inserted).as_ref().map_or(Answer { status: 500, body: String::new() }, Answer::of);
    let once = Key::of(&request)?.map(|key| Once { key, answer: &answer });
    let done = app.store.insert_once(&request.context, &new, app.clock.now(), once.as_ref()).await;
    match done.map_err(|e| problem(&request.context, e))? {
        Done::Now(inserted) => told(&inserted),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

fn new_message(input: &mut Input) -> NewMessage {
    if !input.has("direction") {
        input.refuse("direction", "is required");
    }
    let (body, media_id) = (input.text("body", domain::MAX_TYPED_CHARS), input.id("media_id"));
    // After reading, because blanks say no more than nothing.
    if body.is_none() && media_id.is_none() {
        input.refuse("body", "body or media_id is required");
    }
    let kind = if media_id.is_some() { "document" } else { "text" };
    NewMessage {
        conversation_id: input.required_id("conversation_id"),
        sender_customer_id: input.id("sender_customer_id"),
        direction: input
            .choice("direction", Direction::parse, "inbound, outbound, system")
            .unwrap_or(Direction::System),
        body,
        content_type: input.text("content_type", domain::MAX_WORD).unwrap_or_else(|| kind.to_owned()),
        media_id,
        channel: input.text("channel", domain::MAX_WORD),
        channel_account_id: input.text("channel_account_id", domain::MAX_REF),
        external_message_id: input.text("external_message_id", domain::MAX_REF),
        client_ref: input.text("client_ref", domain::MAX_REF),
        sent_at: input.time("sent_at"),
        metadata: input.object("metadata"),
    }
}

/// 200 for a message that was there: the caller's own repetition by `client_ref` or external id.
fn told(inserted: &Inserted) -> Outcome {
    let view = View::from(inserted.message.clone());
    if inserted.duplicate { response::ok(&view) } else { response::created(&view) }
}

async fn get<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:read")?;
    let id = request.id("id", "message")?;
    let message = domain::get(&app.store, &request.context, &id).await;
    response::ok(&View::from(message.map_err(|e| problem(&request.context, e))?))
}

async fn update<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let id = request.id("id", "message")?;
    let changes = request.decode(changes)?;
    let updated = app.store.update(&request.context, &id, &changes, app.clock.now()).await;
    response::ok(&View::from(updated.map_err(|e| problem(&request.context, e))?))
}

/// Sends once more what failed or is unknown; accepted, because it is only queued here.
async fn retry<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:write")?;
    let id = request.id("id", "message")?;
    let answer =
        |message: &Message| accepted(message).as_ref().map_or(Answer { status: 500, body: String::new() }, Answer::of);
    let once = Key::of(&request)?.map(|key| Once { key, answer: &answer });
    let done = app.store.retry(&request.context, &id, app.clock.now(), once.as_ref()).await;
    match done.map_err(|e| problem(&request.context, e))? {
        Done::Now(message) => accepted(&message),
        Done::Before(answer) => Ok(answer.replay()),
    }
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
        // That nobody knows is nothing that anybody could tell.
        status: input.choice(
            "status",
            |w| Status::parse(w).filter(|s| *s != Status::Unknown),
            "queued, sent, delivered, read, failed",
        ),
    }
}

/// That the conversation exists, the gateway has checked: here one without messages is an empty list.
async fn list<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("messages:read")?;
    let id = request.id("id", "conversation")?;
    let query = request.query()?;
    query.allow(&["cursor", "limit", "after"])?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let no_number = || Problem::invalid_field("?after", "must be a sequence number");
    let after = query.get("after").map(|text| text.parse().map_err(|_| no_number())).transpose()?;
    let cursor = page.cursor.as_deref();
    let found = domain::list(&app.store, &request.context, &id, cursor, after, page.limit).await;
    let (Page { items, next_cursor }, total) = found.map_err(|e| problem(&request.context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, Some(total))
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "message")
}
