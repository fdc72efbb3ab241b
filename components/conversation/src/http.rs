//! The REST surface, as the gateway forwards it.

use sdk::{
    App, Context, Input, Outcome, Problem, Request, Router, etag,
    event::Incoming,
    idempotency::{Once, answer_once},
    ids,
    pagination::{self, Page, PageRequest},
    period::Period,
    query::Query,
    response,
    search::Words,
};
use serde::Deserialize;

use crate::{
    changes::Changes,
    domain::{self, Conversation, Created, Error, History, Kind, NewConversation, Role, Status, Store},
    finding::{self, Filter, Search, Sort},
    participants::{Joined, NewParticipant},
    view::{ParticipantView, View},
};

const PAGE: u32 = 20;
const STATUSES: &str = "open, pending, closed";
const SORTS: &str = "-last_message_at, last_message_at, -created_at, created_at";

pub fn router<S: Store + 'static>() -> Router<App<S>> {
    Router::internal()
        .get("/conversations", list)
        .post("/conversations", create)
        .get("/conversations/:id", get)
        .patch("/conversations/:id", change)
        .post("/conversations/:id/participants", join)
        .delete("/conversations/:id/participants/:participant_id", leave)
        .platform("/events", take)
}

async fn list<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:read")?;
    let query = request.query()?;
    query.allow(&[
        "status",
        "channel",
        "customer_id",
        "q",
        "unread",
        "created_after",
        "created_before",
        "sort",
        "limit",
        "cursor",
    ])?;
    let (filter, page) = (filter(&query)?, PageRequest::from_query(&query, PAGE)?);
    let found = finding::list(&app.store, &request.context, &filter, &page).await;
    let Page { items, next_cursor } = found.map_err(|e| problem(&request.context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let unknown_status = || Problem::invalid_field("?status", format!("must be one of {STATUSES}"));
    let no_id = || Problem::invalid_field("?customer_id", "must be a UUID");
    let no_order = || Problem::invalid_field("?sort", format!("must be one of {SORTS}"));
    let search = |words| Search { words, conversation_ids: Vec::new(), customer_ids: Vec::new() };
    let period = Period::of(query)?;
    let usual = if period.is_all() { Sort::LastMessageDown } else { Sort::CreatedDown };
    Ok(Filter {
        search: Words::of(query)?.map(search),
        sort: query.get("sort").map_or(Ok(usual), |word| Sort::parse(word).ok_or_else(no_order))?,
        period,
        unread: query.flag("unread")?,
        status: query.get("status").map(|word| Status::parse(word).ok_or_else(unknown_status)).transpose()?,
        channel: query.get("channel").map(str::to_owned),
        customer_id: query.get("customer_id").map(|id| ids::parse(id).ok_or_else(no_id)).transpose()?,
    })
}

async fn create<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:write")?;
    let new = request.decode(new_conversation)?;
    let (context, now) = (&request.context, app.clock.now());
    let create = async |once: Option<&Once<'_, Created>>| domain::create(&app.store, context, &new, now, once).await;
    answer_once(&request, told, create, |e| problem(context, e)).await
}

/// One reads the rules over several fields where all callers meet: `domain::check_new`.
fn new_conversation(input: &mut Input) -> NewConversation {
    let kind = input.choice("type", Kind::parse, "direct, group, channel").unwrap_or(Kind::Direct);
    if !input.has("participants") {
        input.refuse("participants", "is required");
    }
    let participants = input.texts("participants", domain::MAX_PARTICIPANTS).unwrap_or_default();
    let mut canonical = Vec::with_capacity(participants.len());
    for (index, text) in participants.iter().enumerate() {
        match ids::parse(text) {
            Some(id) => canonical.push(id),
            None => input.refuse(&format!("participants/{index}"), "must be a UUID"),
        }
    }
    NewConversation {
        kind,
        participants: canonical,
        channel: input.text("channel", domain::MAX_CHANNEL),
        channel_account_id: input.text("channel_account_id", domain::MAX_ACCOUNT),
        subject: input.text("subject", domain::MAX_SUBJECT),
        metadata: input.object("metadata"),
    }
}

fn told(created: &Created) -> Outcome {
    let (view, updated_at) = (View::from(created.conversation.clone()), created.conversation.updated_at);
    let answer = if created.is_new { response::created(&view) } else { response::ok(&view) };
    answer.map(|answer| etag::with(answer, updated_at))
}

/// In its version.
fn shown(conversation: Conversation) -> Outcome {
    let updated_at = conversation.updated_at;
    response::ok(&View::from(conversation)).map(|answer| etag::with(answer, updated_at))
}

async fn get<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:read")?;
    let id = request.id("id", "conversation")?;
    let conversation = domain::get(&app.store, &request.context, &id).await;
    shown(conversation.map_err(|e| problem(&request.context, e))?)
}

async fn change<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:write")?;
    let id = request.id("id", "conversation")?;
    let changes = request.decode(changes)?;
    let changes = Changes { version: etag::if_match(&request)?, ..changes };
    let changed = app.store.update(&request.context, &id, &changes, app.clock.now()).await;
    shown(changed.map_err(|e| problem(&request.context, e))?)
}

fn changes(input: &mut Input) -> Changes {
    let changes = Changes {
        status: input.choice("status", Status::parse, STATUSES),
        subject: input.changed_text("subject", domain::MAX_SUBJECT),
        metadata: input.optional_object("metadata"),
        version: None,
    };
    if changes == Changes::default() {
        input.refuse("status", "status, subject or metadata is required");
    }
    changes
}

/// That the customer exists, the gateway has checked.
async fn join<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:write")?;
    let id = request.id("id", "conversation")?;
    let new = request.decode(|input| NewParticipant {
        customer_id: input.required_id("customer_id"),
        role: input.choice("role", Role::parse, "member, admin"),
    })?;
    let (context, now) = (&request.context, app.clock.now());
    let join = async |once: Option<&Once<'_, Joined>>| app.store.join(context, &id, &new, now, once).await;
    answer_once(&request, taken_part, join, |e| problem(context, e)).await
}

/// 200 for who took part already.
fn taken_part(joined: &Joined) -> Outcome {
    let view = ParticipantView::from(joined.participant.clone());
    if joined.is_new { response::created(&view) } else { response::ok(&view) }
}

async fn leave<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:write")?;
    let (id, participant_id) = (request.id("id", "conversation")?, request.id("participant_id", "participant")?);
    let left = app.store.leave(&request.context, &id, &participant_id, app.clock.now()).await;
    left.map_err(|e| e.problem(&request.context, "participant"))?;
    response::no_content()
}

#[derive(Deserialize)]
struct Deleted {
    /// Absent in events from before there was a choice.
    #[serde(default)]
    messages: String,
}

/// A customer is forgotten.
async fn take<S: Store>(app: &App<S>, request: Request) -> Outcome {
    const DELETED: &str = "com.kobliat.customer.deleted.v1";
    let event = Incoming::of(&request)?;
    if event.kind() == DELETED {
        let Deleted { messages } = event.read()?;
        let history = History::parse(&messages).unwrap_or(History::Keep);
        let erased = app.store.erase(&event, history, app.clock.now()).await;
        erased.map_err(|e| problem(&request.context, e))?;
    }
    response::no_content()
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "conversation")
}
