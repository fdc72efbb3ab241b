//! `/conversations` and what is said in them.

use futures::future::join;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Doc, Route, Service};
use crate::aggregate::{customers, names_for, part, whole};
use crate::call::Call;
use crate::clients::{Body, Conversation, Filter, Message, Outside};
use crate::domain::{self, MAX_PARTICIPANTS, Warning, missed_touches};
use crate::input;
use crate::reply::{list as list_reply, ok};
use crate::{forward, json, problem};
use sdk::pagination::{Page, PageRequest};
use sdk::query::Query;
use sdk::{Problem, ids};

const READ: &[&str] = &["conversations:read"];
const WRITE: &[&str] = &["conversations:write"];
const READ_MESSAGES: &[&str] = &["conversations:read", "messages:read"];

pub const ROUTES: &[Route] = &[
    Route::get(
        "/conversations",
        READ,
        Action::ListConversations,
        Doc::new(
            "listConversations",
            "Conversations, the one that spoke last first",
            &[(200, Some("ConversationList"))],
        )
        .query(&["conversation_status", "channel", "customer_id", "conversation_sort", "limit", "cursor"]),
    ),
    Route::post(
        "/conversations",
        WRITE,
        Action::CreateConversation,
        Doc::new(
            "createConversation",
            "Open a conversation, or find the open direct one of the same pair",
            &[(201, Some("Conversation")), (200, Some("Conversation"))],
        )
        .body("NewConversation"),
    ),
    Route::get(
        "/conversations/{id}",
        READ,
        Action::Forward(Service::Conversation),
        Doc::new("getConversation", "One conversation", &[(200, Some("Conversation"))]),
    ),
    Route::get(
        "/conversations/{id}/details",
        READ_MESSAGES,
        Action::ConversationDetails,
        Doc::new("getConversationDetails", "All that a chat window shows first", &[(200, Some("ConversationDetails"))])
            .query(&["limit"]),
    ),
    Route::get(
        "/conversations/{id}/messages",
        READ_MESSAGES,
        Action::ListMessages,
        Doc::new("listMessages", "The messages of a conversation, newest first", &[(200, Some("MessageList"))])
            .query(&["after", "limit", "cursor"]),
    ),
];

/// Conversations in a page when the client names no number; messages, which are smaller, come in more.
const DEFAULT_CONVERSATIONS: u32 = 20;
const DEFAULT_MESSAGES: u32 = 50;

/// The only order there is, so far: by last message, newest first.
const SORT: &str = "-last_message_at";

pub async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["status", "channel", "customer_id", "sort", "limit", "cursor"])?;
    let filter = Filter { customer_id: customer_id(&query)?, ..filter(&query)? };
    page(outside, call, &query, filter).await
}

/// The conversations of the customer in the path; an unknown customer has none and is not found.
pub async fn list_of_customer<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["status", "channel", "sort", "limit", "cursor"])?;
    let filter = Filter { customer_id: Some(call.id()), ..filter(&query)? };
    let ids = [call.id()];
    let (known, page) = join(customers(outside, call, &ids), page(outside, call, &query, filter)).await;
    match known {
        Ok(known) if !known.contains(&call.id()) => Err(Problem::not_found("customer")),
        Ok(_) => page,
        Err(error) => Err(whole(call, Service::Customer, error)),
    }
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    if query.get("sort").is_some_and(|sort| sort != SORT) {
        return Err(Problem::invalid_field("?sort", format!("must be {SORT}")));
    }
    let status = query.get("status").map(|text| domain::status(text).ok_or_else(bad_status)).transpose()?;
    Ok(Filter { status, channel: query.get("channel").map(str::to_owned), customer_id: None })
}

fn bad_status() -> Problem {
    Problem::invalid_field("?status", "must be one of open, pending, closed")
}

fn customer_id(query: &Query) -> Result<Option<String>, Problem> {
    let bad = || Problem::invalid_field("?customer_id", "must be a UUID");
    query.get("customer_id").map(|text| ids::parse(text).ok_or_else(bad)).transpose()
}

/// One call for the conversations, one for all their names.
async fn page<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    query: &Query,
    filter: Filter,
) -> Result<Response<Body>, Problem> {
    let PageRequest { limit, cursor } = PageRequest::from_query(query, DEFAULT_CONVERSATIONS)?;
    let found = outside.list_conversations(call.typed_context(), filter, cursor, limit).await;
    let found = found.map_err(|error| whole(call, Service::Conversation, error))?;
    let mut warnings = Vec::new();
    let names = names_for(outside, call, &found.conversations, &[], &mut warnings).await?;
    let items = found.conversations.iter().map(|one| json::conversation(one, &names)).collect();
    list_reply(&Page { items, next_cursor: found.next_cursor }, limit, query, None, &warnings)
}

pub async fn list_messages<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["after", "limit", "cursor"])?;
    let PageRequest { limit, cursor } = PageRequest::from_query(&query, DEFAULT_MESSAGES)?;
    let after = after(&query)?;
    let (known, found) = join(
        outside.get_conversations(call.typed_context(), vec![call.id()]),
        outside.list_messages(call.typed_context(), call.id(), cursor, after, limit),
    )
    .await;
    if known.map_err(|error| whole(call, Service::Conversation, error))?.is_empty() {
        return Err(Problem::not_found("conversation"));
    }
    let found = found.map_err(|error| whole(call, Service::Messaging, error))?;
    let items = found.messages.iter().map(json::message).collect();
    list_reply(&Page { items, next_cursor: found.next_cursor }, limit, &query, Some(found.total), &[])
}

/// The sequence number after which a client that was away wants to go on.
fn after(query: &Query) -> Result<Option<u64>, Problem> {
    let bad = || Problem::invalid_field("?after", "must be a sequence number");
    query.get("after").map(|text| text.parse().map_err(|_not_a_number| bad())).transpose()
}

#[derive(Serialize)]
struct Details<'a> {
    conversation: Option<json::ConversationView<'a>>,
    participants: Option<Vec<json::ParticipantView<'a>>>,
    messages: Option<Vec<json::NamedMessageView<'a>>>,
    message_count: Option<u64>,
    warnings: Vec<Warning>,
}

/// Everything that a chat window shows first. What cannot be had is null, and `warnings` say why.
pub async fn details<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["limit"])?;
    let PageRequest { limit, .. } = PageRequest::from_query(&query, DEFAULT_MESSAGES)?;
    let (found, page) = join(
        outside.get_conversations(call.typed_context(), vec![call.id()]),
        outside.list_messages(call.typed_context(), call.id(), None, None, limit),
    )
    .await;
    let mut warnings = Vec::new();
    let found = part(call, Service::Conversation, "conversation", found, &mut warnings)?;
    let page = part(call, Service::Messaging, "messages", page, &mut warnings)?;
    if found.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::not_found("conversation"));
    }
    let conversation = found.and_then(|found| found.into_iter().next());
    if conversation.is_none() && page.is_none() {
        return Err(problem::unavailable(Service::Conversation, None));
    }
    let messages = page.as_ref().map(|page| page.messages.as_slice()).unwrap_or_default();
    repair(outside, call, conversation.as_ref(), messages).await;
    let names = names_for(outside, call, conversation.as_slice(), messages, &mut warnings).await?;
    ok(&Details {
        conversation: conversation.as_ref().map(json::conversation_alone),
        participants: conversation.as_ref().map(|one| json::participants(one, &names)),
        messages: page.as_ref().map(|_| messages.iter().map(|one| json::message_with_sender(one, &names)).collect()),
        message_count: page.as_ref().map(|page| page.total),
        warnings,
    })
}

/// A message whose conversation never learned of it is seen here first: tell it now, so that lists are right again.
async fn repair<B: Outside>(outside: &B, call: &Call<'_>, conversation: Option<&Conversation>, messages: &[Message]) {
    let missed = conversation.map(|one| missed_touches(one, messages)).unwrap_or_default();
    if missed.is_empty() {
        return;
    }
    if let Err(error) = outside.touch(call.typed_context(), missed).await {
        call.log_failure(Service::Conversation, &format!("missed touches stay missed: {error:?}"));
    }
}

#[derive(Deserialize)]
struct References {
    participants: Option<Value>,
}

/// Checks the participants, then lets the service that owns conversations do the rest: see the README, "Creating".
pub async fn create<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let input: References = input::parse(&call.body)?;
    let mut errors = Vec::new();
    let participants = input::ids(input.participants.as_ref(), "/participants", MAX_PARTICIPANTS, &mut errors);
    let ids: Vec<String> = participants.iter().map(|(_, id)| id.clone()).collect();
    let known = customers(outside, call, &ids).await;
    let known = known.map_err(|error| whole(call, Service::Customer, error))?;
    for (at, _) in participants.iter().filter(|(_, id)| !known.contains(id)) {
        errors.push(input::error(&format!("/participants/{at}"), "there is no such customer"));
    }
    input::refuse(errors)?;
    forward::forward(outside, call, Service::Conversation, "/conversations").await
}
