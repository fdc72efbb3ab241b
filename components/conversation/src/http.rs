//! The REST surface, as the gateway forwards it.

use sdk::{
    App, Context, Input, Outcome, Problem, Request, Router,
    idempotency::{Answer, Done, Key, Once},
    ids,
    pagination::{self, Page, PageRequest},
    query::Query,
    response,
};

use crate::{
    domain::{self, Created, Error, Filter, Kind, NewConversation, Status, Store},
    view::View,
};

const PAGE: u32 = 20;

pub fn router<S: Store + 'static>() -> Router<App<S>> {
    Router::internal().get("/conversations", list).post("/conversations", create).get("/conversations/:id", get)
}

async fn list<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:read")?;
    let query = request.query()?;
    query.allow(&["status", "channel", "customer_id", "limit", "cursor"])?;
    let (filter, page) = (filter(&query)?, PageRequest::from_query(&query, PAGE)?);
    let found = domain::list(&app.store, &request.context, &filter, &page).await;
    let Page { items, next_cursor } = found.map_err(|e| problem(&request.context, e))?;
    let items = items.into_iter().map(View::from).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let unknown_status = || Problem::invalid_field("?status", "must be one of open, pending, closed");
    let no_id = || Problem::invalid_field("?customer_id", "must be a UUID");
    Ok(Filter {
        status: query.get("status").map(|word| Status::parse(word).ok_or_else(unknown_status)).transpose()?,
        channel: query.get("channel").map(str::to_owned),
        customer_id: query.get("customer_id").map(|id| ids::parse(id).ok_or_else(no_id)).transpose()?,
    })
}

async fn create<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:write")?;
    let new = request.decode(new_conversation)?;
    let answer =
        |created: &Created| told(created).as_ref().map_or(Answer { status: 500, body: String::new() }, Answer::of);
    let once = Key::of(&request)?.map(|key| Once { key, answer: &answer });
    let done = domain::create(&app.store, &request.context, &new, app.clock.now(), once.as_ref()).await;
    match done.map_err(|e| problem(&request.context, e))? {
        Done::Now(created) => told(&created),
        Done::Before(answer) => Ok(answer.replay()),
    }
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
    let view = View::from(created.conversation.clone());
    if created.is_new { response::created(&view) } else { response::ok(&view) }
}

async fn get<S: Store>(app: &App<S>, request: Request) -> Outcome {
    request.context.require("conversations:read")?;
    let id = request.id("id", "conversation")?;
    let conversation = domain::get(&app.store, &request.context, &id).await;
    response::ok(&View::from(conversation.map_err(|e| problem(&request.context, e))?))
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "conversation")
}
