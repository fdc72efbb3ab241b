//! `/conversations` and what is said in them.

use futures::future::join;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Doc, Route, Service};
use crate::aggregate::{customers, names_for, part, whole};
use crate::call::Call;
use crate::clients::conversations::{Search, Sort};
use crate::clients::{Body, CallResult, Conversation, ConversationQuery, Message, MessageQuery, Outside, ReplyWindow};
use crate::domain::{self, MAX_PARTICIPANTS, Warning, missed_touches, parties};
use crate::input;
use crate::reply::{self, list as list_reply, ok};
use crate::{forward, json, problem};
use sdk::pagination::{Page, PageRequest};
use sdk::period::Period;
use sdk::query::Query;
use sdk::search::Words;
use sdk::{Micros, Problem, etag, ids, response};

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
        .query(&[
            "conversation_status",
            "channel",
            "customer_id",
            "conversation_q",
            "conversation_unread",
            "created_after",
            "created_before",
            "conversation_sort",
            "limit",
            "cursor",
        ]),
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
        Action::GetConversation,
        Doc::new(
            "getConversation",
            "One conversation, and until when it may be answered freely",
            &[(200, Some("Conversation"))],
        )
        .has_etag(),
    ),
    Route::patch(
        "/conversations/{id}",
        WRITE,
        Action::Forward(Service::Conversation),
        Doc::new(
            "patchConversation",
            "Change a conversation's status or subject, or merge into its metadata",
            &[(200, Some("Conversation"))],
        )
        .body("ConversationChanges"),
    ),
    Route::post(
        "/conversations/{id}/participants",
        WRITE,
        Action::AddParticipant,
        Doc::new(
            "addParticipant",
            "Let a customer take part, or take part again",
            &[(201, Some("Participant")), (200, Some("Participant"))],
        )
        .body("NewParticipant"),
    ),
    Route::delete(
        "/conversations/{id}/participants/{participant_id}",
        WRITE,
        Action::Forward(Service::Conversation),
        Doc::new("removeParticipant", "Let a participant leave", &[(204, None)]),
    ),
    Route::post(
        "/conversations/{id}/read",
        WRITE,
        Action::MarkRead,
        Doc::new("markConversationRead", "Mark as read up to a message", &[(200, Some("ReadState"))]).body("Reading"),
    ),
    Route::post(
        "/conversations/{id}/reply",
        &["messages:write"],
        Action::Reply,
        Doc::new(
            "replyToConversation",
            "Send a message on the conversation's channel",
            &[(201, Some("Message")), (200, Some("Message"))],
        )
        .made_in("/messages")
        .body("Reply"),
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
            .query(&["after", "conversation_message_q", "limit", "cursor"]),
    ),
];

/// Conversations in a page when the client names no number; messages, which are smaller, come in more.
const DEFAULT_CONVERSATIONS: u32 = 20;
const DEFAULT_MESSAGES: u32 = 50;

/// Conversations and customers that a search looks for elsewhere; the latest count.
const MAX_FOUND: u32 = 500;

pub async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
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
    let wanted = ConversationQuery { customer_id: customer_id(&query)?, ..wanted(&query)? };
    check_order(&query, &wanted)?;
    let Some(words) = Words::of(&query)? else { return page(outside, call, &query, wanted, Vec::new()).await };
    let mut warnings = Vec::new();
    let search = search(outside, call, &words.text(), &mut warnings).await?;
    page(outside, call, &query, ConversationQuery { search: Some(search), ..wanted }, warnings).await
}

/// By the subject, by what is said (who may read messages) and by who takes part. What cannot be searched now is not, with a warning.
async fn search<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    text: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Search, Problem> {
    let said = async {
        if !call.context.allows("messages:read") {
            return Ok(Vec::new());
        }
        outside.conversations_saying(call.typed_context(), text.to_owned(), MAX_FOUND).await
    };
    let people = outside.find_customers(call.typed_context(), text.to_owned(), MAX_FOUND);
    let (said, people) = join(said, people).await;
    let conversation_ids = part(call, Service::Messaging, "messages", said, warnings)?.unwrap_or_default();
    let customer_ids = part(call, Service::Customer, "customers", people, warnings)?.unwrap_or_default();
    Ok(Search { text: text.to_owned(), conversation_ids, customer_ids })
}

#[derive(Serialize)]
struct Alone<'a> {
    #[serde(flatten)]
    conversation: json::ConversationView<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// One, with its people and its window. What cannot be had is left out, and `warnings` say why.
pub async fn get<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let found = outside.get_conversations(call.typed_context(), vec![call.id()]).await;
    let found = found.map_err(|error| whole(call, Service::Conversation, error))?;
    let one = found.first().ok_or_else(|| Problem::not_found("conversation"))?;
    let (mut warnings, mut missing) = (Vec::new(), Vec::new());
    let (names, windows) =
        join(names_for(outside, call, &found, &[], &mut warnings), windows(outside, call, one, &mut missing)).await;
    let (names, windows) = (names?, windows?);
    warnings.append(&mut missing);
    let conversation = json::with_window(json::conversation(one, &names), windows.as_deref());
    Ok(reply::whole(etag::with(response::ok(&Alone { conversation, warnings })?, one.updated_at)))
}

/// Those of everybody in it, where messaging answers.
async fn windows<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    conversation: &Conversation,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Vec<ReplyWindow>>, Problem> {
    let parties = parties(conversation);
    if parties.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let found = outside.reply_windows(call.typed_context(), parties).await;
    part(call, Service::Messaging, "reply_window", found, warnings)
}

/// The conversations of the customer in the path; an unknown customer has none and is not found.
pub async fn list_of_customer<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["status", "channel", "unread", "created_after", "created_before", "sort", "limit", "cursor"])?;
    let wanted = ConversationQuery { customer_id: Some(call.id()), ..wanted(&query)? };
    let ids = [call.id()];
    let (known, page) = join(customers(outside, call, &ids), page(outside, call, &query, wanted, Vec::new())).await;
    match known {
        Ok(known) if !known.contains(&call.id()) => Err(Problem::not_found("customer")),
        Ok(_) => page,
        Err(error) => Err(whole(call, Service::Customer, error)),
    }
}

fn wanted(query: &Query) -> Result<ConversationQuery, Problem> {
    let period = Period::of(query)?;
    let usual = if period.is_all() { Sort::LastMessageDown } else { Sort::CreatedDown };
    let sort = query.get("sort").map_or(Ok(usual), |text| domain::sort(text).ok_or_else(bad_sort))?;
    let status = query.get("status").map(|text| domain::status(text).ok_or_else(bad_status)).transpose()?;
    let channel = query.get("channel").map(str::to_owned);
    Ok(ConversationQuery {
        status,
        channel,
        customer_id: None,
        search: None,
        unread: query.flag("unread")?,
        created_from: (period.from > Micros::MIN).then_some(period.from),
        created_until: (period.to < Micros::MAX).then_some(period.to),
        sort,
    })
}

/// In the order of the last message, a period of creation could begin anywhere: only what is little is looked through.
fn check_order(query: &Query, wanted: &ConversationQuery) -> Result<(), Problem> {
    let is_little = wanted.customer_id.is_some() || query.get("q").is_some();
    let has_period = wanted.created_from.is_some() || wanted.created_until.is_some();
    match has_period && !is_little && matches!(wanted.sort, Sort::LastMessageDown | Sort::LastMessageUp) {
        true => Err(Problem::invalid_field(
            "?sort",
            "must be -created_at or created_at with created_after or created_before",
        )),
        false => Ok(()),
    }
}

fn bad_sort() -> Problem {
    Problem::invalid_field("?sort", "must be one of -last_message_at, last_message_at, -created_at, created_at")
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
    wanted: ConversationQuery,
    mut warnings: Vec<Warning>,
) -> Result<Response<Body>, Problem> {
    let PageRequest { limit, cursor } = PageRequest::from_query(query, DEFAULT_CONVERSATIONS)?;
    let found = outside.list_conversations(call.typed_context(), wanted, cursor, limit).await;
    let found = found.map_err(|error| whole(call, Service::Conversation, error))?;
    let names = names_for(outside, call, &found.conversations, &[], &mut warnings).await?;
    warnings.dedup_by(|one, other| one.part == other.part);
    let items = found.conversations.iter().map(|one| json::conversation(one, &names)).collect();
    list_reply(&Page { items, next_cursor: found.next_cursor }, limit, query, None, &warnings)
}

pub async fn list_messages<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["after", "q", "limit", "cursor"])?;
    let PageRequest { limit, cursor } = PageRequest::from_query(&query, DEFAULT_MESSAGES)?;
    let (after, words) = (after(&query)?, Words::of(&query)?);
    if after.is_some() && words.is_some() {
        return Err(Problem::invalid_field("?after", "goes with no search"));
    }
    let (known, found) = join(
        outside.get_conversations(call.typed_context(), vec![call.id()]),
        messages_of(outside, call, words, cursor, after, limit),
    )
    .await;
    if known.map_err(|error| whole(call, Service::Conversation, error))?.is_empty() {
        return Err(Problem::not_found("conversation"));
    }
    let (messages, next_cursor, total) = found.map_err(|error| whole(call, Service::Messaging, error))?;
    let items = messages.iter().map(json::message).collect();
    list_reply(&Page { items, next_cursor }, limit, &query, total, &[])
}

/// A page of them, of all or of those that a search finds; only of all is it known how many there are.
async fn messages_of<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    words: Option<Words>,
    cursor: Option<String>,
    after: Option<u64>,
    limit: u32,
) -> CallResult<(Vec<Message>, Option<String>, Option<u64>)> {
    let Some(words) = words else {
        let page = outside.list_messages(call.typed_context(), call.id(), cursor, after, limit).await?;
        return Ok((page.messages, page.next_cursor, Some(page.total)));
    };
    let query = MessageQuery { text: words.text(), conversation_id: Some(call.id()), sender_customer_id: None };
    let found = outside.find_messages(call.typed_context(), query, cursor, limit).await?;
    Ok((found.messages, found.next_cursor, None))
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
    let owner = (Service::Conversation, "/conversations");
    match check_participants(outside, call).await {
        Ok(()) => forward::forward(outside, call, owner.0, owner.1).await,
        Err(refusal) => forward::first_answer_or(outside, call, owner, refusal).await,
    }
}

async fn check_participants<B: Outside>(outside: &B, call: &Call<'_>) -> Result<(), Problem> {
    let input: References = input::parse(&call.body)?;
    let mut errors = Vec::new();
    let participants = input::ids(input.participants.as_ref(), "/participants", MAX_PARTICIPANTS, &mut errors);
    let ids: Vec<String> = participants.iter().map(|(_, id)| id.clone()).collect();
    let known = customers(outside, call, &ids).await;
    let known = known.map_err(|error| whole(call, Service::Customer, error))?;
    for (at, _) in participants.iter().filter(|(_, id)| !known.contains(id)) {
        errors.push(input::error(&format!("/participants/{at}"), "there is no such customer"));
    }
    input::refuse(errors)
}
