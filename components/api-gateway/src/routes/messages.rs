//! `/messages`: writing them, and reading or changing a single one.

use bytes::Bytes;
use futures::future::join3;
use http::Response;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::Value;

use super::{Action, Doc, Route, Service};
use crate::aggregate::{customers, whole};
use crate::call::Call;
use crate::clients::{Body, CallError, Conversation, Outside, Touch};
use crate::domain::preview;
use crate::input;
use crate::reply::buffered;
use crate::{forward, problem};
use sdk::Problem;
use sdk::clock::parse_rfc3339;

const READ: &[&str] = &["messages:read"];
const WRITE: &[&str] = &["messages:write"];
const FORWARD: Action = Action::Forward(Service::Messaging);

pub const ROUTES: &[Route] = &[
    Route::post(
        "/messages",
        WRITE,
        Action::CreateMessage,
        Doc::new("createMessage", "Store a message; an outbound one is queued for delivery", &[(201, Some("Message"))])
            .body("NewMessage"),
    ),
    Route::get(
        "/messages",
        READ,
        FORWARD,
        Doc::new("searchMessages", "What was said, newest first", &[(200, Some("MessageList"))]).query(&[
            "message_q",
            "conversation_id",
            "sender_customer_id",
            "limit",
            "cursor",
        ]),
    ),
    Route::get("/messages/{id}", READ, FORWARD, Doc::new("getMessage", "One message", &[(200, Some("Message"))])),
    Route::get(
        "/messages/{id}/history",
        READ,
        FORWARD,
        Doc::new(
            "getMessageHistory",
            "What a message was before each change, the latest first",
            &[(200, Some("MessageHistory"))],
        )
        .query(&["limit", "cursor"]),
    ),
    Route::get(
        "/messages/{id}/receipts",
        READ,
        FORWARD,
        Doc::new(
            "getMessageReceipts",
            "What the provider reported of a message, the latest first",
            &[(200, Some("MessageReceipts"))],
        )
        .query(&["limit", "cursor"]),
    ),
    Route::post(
        "/messages/{id}/retry",
        WRITE,
        FORWARD,
        Doc::new("retryMessage", "Send a failed or unknown message again", &[(202, Some("Message"))]),
    ),
    Route::put(
        "/messages/{id}",
        WRITE,
        FORWARD,
        Doc::new("updateMessage", "Edit a message, or move its status forward", &[(200, Some("Message"))])
            .body("MessageChanges")
            .if_match(),
    ),
    Route::patch(
        "/messages/{id}",
        WRITE,
        FORWARD,
        Doc::new("patchMessage", "Edit a message, or move its status forward", &[(200, Some("Message"))])
            .body("MessageChanges"),
    ),
];

/// A stored message is what was sent (1 MiB at most) and a little more; escapes may double it.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Checks what the message refers to, has the service store it, and tells its conversation.
/// Repeating the request with the same `Idempotency-Key` repeats the telling too, so that a crash in between heals.
pub async fn create<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    check_references(outside, call, None).await?;
    store(outside, call).await
}

/// The same in a conversation that is there.
pub async fn create_in<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    conversation: Conversation,
) -> Result<Response<Body>, Problem> {
    check_references(outside, call, Some(conversation)).await?;
    store(outside, call).await
}

async fn store<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let answer = forward::forward(outside, call, Service::Messaging, "/messages").await?;
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|_broken_off| problem::bad_answer(Service::Messaging))?.to_bytes();
    touch(outside, call, &body).await;
    Ok(Response::from_parts(parts, buffered(body)))
}

#[derive(Deserialize)]
struct References {
    conversation_id: Option<Value>,
    sender_customer_id: Option<Value>,
    media_id: Option<Value>,
}

/// What a message refers to: all that is wrong is told at once. `known` is its conversation, when it has been looked up.
async fn check_references<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    known: Option<Conversation>,
) -> Result<(), Problem> {
    let input: References = input::parse(&call.body)?;
    let mut errors = Vec::new();
    let conversation = input::id(input.conversation_id.as_ref(), "/conversation_id", &mut errors);
    let sender = input::id(input.sender_customer_id.as_ref(), "/sender_customer_id", &mut errors);
    let media = input::id(input.media_id.as_ref(), "/media_id", &mut errors);
    let is_named = conversation.is_some();
    let (found, is_customer, is_media) = join3(
        find_conversation(outside, call, conversation.as_deref(), known),
        is_customer(outside, call, sender.clone()),
        is_media(outside, call, media),
    )
    .await;
    if !is_media? {
        errors.push(input::error("/media_id", "there is no such media"));
    }
    let found = found?;
    if is_named && found.is_none() {
        errors.push(input::error("/conversation_id", "there is no such conversation"));
    }
    if !is_customer? {
        errors.push(input::error("/sender_customer_id", "there is no such customer"));
    } else if let (Some(conversation), Some(sender)) = (&found, &sender)
        && !takes_part(conversation, sender)
    {
        errors.push(input::error("/sender_customer_id", "takes no part in the conversation"));
    }
    input::refuse(errors)
}

async fn is_media<B: Outside>(outside: &B, call: &Call<'_>, id: Option<String>) -> Result<bool, Problem> {
    let Some(id) = id else { return Ok(true) };
    let found = outside.get_media(call.typed_context(), vec![id]).await;
    found.map(|found| !found.is_empty()).map_err(|error| whole(call, Service::Media, error))
}

fn takes_part(conversation: &Conversation, customer_id: &str) -> bool {
    conversation.participants.iter().any(|one| one.customer_id == customer_id && one.left_at.is_none())
}

async fn find_conversation<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    id: Option<&str>,
    known: Option<Conversation>,
) -> Result<Option<Conversation>, Problem> {
    let (Some(id), None) = (id, &known) else { return Ok(known) };
    let found = outside.get_conversations(call.typed_context(), vec![id.to_owned()]).await;
    found.map(|found| found.into_iter().next()).map_err(|error| whole(call, Service::Conversation, error))
}

/// True as well when there is nothing to look up.
async fn is_customer<B: Outside>(outside: &B, call: &Call<'_>, id: Option<String>) -> Result<bool, Problem> {
    let Some(id) = id else { return Ok(true) };
    let found = customers(outside, call, std::slice::from_ref(&id)).await;
    found.map(|found| found.contains(&id)).map_err(|error| whole(call, Service::Customer, error))
}

/// What the service's answer tells that the conversation must learn.
#[derive(Deserialize)]
struct Stored {
    conversation_id: String,
    seq: u64,
    direction: String,
    body: Option<String>,
    content_type: String,
    sent_at: String,
    created_at: String,
}

impl Stored {
    fn touch(&self) -> Option<Touch> {
        Some(Touch {
            conversation_id: self.conversation_id.clone(),
            seq: self.seq,
            preview: preview(self.body.as_deref(), &self.content_type),
            at: parse_rfc3339(&self.sent_at)?.min(parse_rfc3339(&self.created_at)?),
            inbound: self.direction == "inbound",
        })
    }
}

/// The message is stored, so the answer stays what it is when this fails; the conversation's details repair it when they are read.
async fn touch<B: Outside>(outside: &B, call: &Call<'_>, answer: &Bytes) {
    let Some(touch) = serde_json::from_slice::<Stored>(answer).ok().and_then(|stored| stored.touch()) else {
        call.log_failure(Service::Messaging, "told of a stored message in a form that is not understood");
        return;
    };
    let mut told = outside.touch(call.typed_context(), vec![touch.clone()]).await;
    if let Err(CallError::Unavailable(_)) = told {
        told = outside.touch(call.typed_context(), vec![touch]).await;
    }
    if let Err(error) = told {
        call.log_failure(Service::Conversation, &format!("did not learn of a message: {error:?}"));
    }
}
