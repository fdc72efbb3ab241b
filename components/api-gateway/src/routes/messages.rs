//! `/messages`: writing them, and reading or changing a single one.

use futures::future::join3;
use http::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{Action, Doc, Route, Service, telling};
use crate::aggregate::{customers, whole};
use crate::call::Call;
use crate::clients::{Body, Conversation, Medium, Outside};
use crate::input;
use crate::{domain, forward};
use sdk::Problem;

const READ: &[&str] = &["messages:read"];
const WRITE: &[&str] = &["messages:write"];
/// What the attachment of a message is.
const ATTACHED: &str = "kobliat-attached";
const FORWARD: Action = Action::Forward(Service::Messaging);

pub const ROUTES: &[Route] = &[
    Route::post(
        "/messages",
        WRITE,
        Action::CreateMessage,
        Doc::new(
            "createMessage",
            "Store a message; an outbound one is queued for delivery",
            &[(201, Some("Message")), (200, Some("Message"))],
        )
        .body("NewMessage"),
    ),
    Route::get(
        "/messages",
        READ,
        FORWARD,
        Doc::new(
            "searchMessages",
            "Messages by what is said, by time, by how sending them ended; newest first",
            &[(200, Some("MessageList"))],
        )
        .query(&[
            "message_q",
            "message_status",
            "failed",
            "conversation_id",
            "sender_customer_id",
            "created_after",
            "created_before",
            "age_sort",
            "limit",
            "cursor",
        ]),
    ),
    Route::get(
        "/messages/{id}",
        READ,
        FORWARD,
        Doc::new("getMessage", "One message", &[(200, Some("Message"))]).has_etag(),
    ),
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
        Action::ChangeMessage,
        Doc::new("updateMessage", "Edit a message, or move its status forward", &[(200, Some("Message"))])
            .body("MessageChanges")
            .if_match(),
    ),
    Route::patch(
        "/messages/{id}",
        WRITE,
        Action::ChangeMessage,
        Doc::new("patchMessage", "Edit a message, or move its status forward", &[(200, Some("Message"))])
            .body("MessageChanges"),
    ),
];

/// Checks what the message refers to, has the service store it, and tells its conversation.
/// Repeating the request with the same `Idempotency-Key` repeats the telling too, so that a crash in between heals.
pub async fn create<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    store(outside, call, check_references(outside, call, None).await).await
}

/// The same in a conversation that is there.
pub async fn create_in<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    conversation: Conversation,
) -> Result<Response<Body>, Problem> {
    store(outside, call, check_references(outside, call, Some(conversation)).await).await
}

/// Whoever does not say what the attachment is, means what it is: a picture goes out as a picture. It is said beside the body, which a
/// repetition has to match: meanwhile an attachment may have arrived whose kind nobody knew.
fn labelled<'a>(call: &Call<'a>, media: Option<Medium>) -> Call<'a> {
    match media.and_then(|media| media.mime_type) {
        Some(mime_type) => call.saying(ATTACHED, domain::content_type(&mime_type)),
        None => call.with_body(call.body.clone()),
    }
}

async fn store<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    checked: Result<Option<Medium>, Problem>,
) -> Result<Response<Body>, Problem> {
    let owner = (Service::Messaging, "/messages");
    let answer = match checked {
        Ok(media) => forward::forward(outside, &labelled(call, media), owner.0, owner.1).await?,
        Err(refusal) => forward::first_answer_or(outside, call, owner, refusal).await?,
    };
    if answer.status().is_success() { telling::stored(outside, call, answer).await } else { Ok(answer) }
}

/// Changes a message, and shows it in its new words where it is the newest of its conversation.
pub async fn change<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let path = format!("/messages/{}", call.id());
    let answer = forward::forward(outside, call, Service::Messaging, &path).await?;
    if !answer.status().is_success() || !input::parse::<Words>(&call.body)?.are_told() {
        return Ok(answer);
    }
    telling::reworded(outside, call, answer).await
}

/// What of a change is shown in lists.
#[derive(Deserialize)]
struct Words {
    body: Option<Value>,
}

impl Words {
    fn are_told(&self) -> bool {
        self.body.is_some()
    }
}

#[derive(Deserialize)]
struct References {
    conversation_id: Option<Value>,
    sender_customer_id: Option<Value>,
    media_id: Option<Value>,
}

/// What a message refers to: all that is wrong is told at once. `known` is its conversation, when it has been looked up.
/// Gives its attachment.
async fn check_references<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    known: Option<Conversation>,
) -> Result<Option<Medium>, Problem> {
    let input: References = input::parse(&call.body)?;
    let mut errors = Vec::new();
    let conversation = input::id(input.conversation_id.as_ref(), "/conversation_id", &mut errors);
    let sender = input::id(input.sender_customer_id.as_ref(), "/sender_customer_id", &mut errors);
    let media = input::id(input.media_id.as_ref(), "/media_id", &mut errors);
    let (is_named, is_attached) = (conversation.is_some(), media.is_some());
    let (found, is_customer, media) = join3(
        find_conversation(outside, call, conversation.as_deref(), known),
        is_customer(outside, call, sender.clone()),
        find_media(outside, call, media),
    )
    .await;
    let media = media?;
    if is_attached && media.is_none() {
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
    input::refuse(errors)?;
    Ok(media)
}

async fn find_media<B: Outside>(outside: &B, call: &Call<'_>, id: Option<String>) -> Result<Option<Medium>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found = outside.get_media(call.typed_context(), vec![id]).await;
    found.map(|found| found.into_iter().next()).map_err(|error| whole(call, Service::Media, error))
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
