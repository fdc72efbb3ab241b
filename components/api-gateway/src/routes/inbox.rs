//! What is done in a conversation: answering, marking as read, bringing somebody in.

use futures::future::join;
use http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, messages, own};
use crate::aggregate::{customers, whole};
use crate::call::Call;
use crate::clients::{Body, CallError, Conversation, Outside, Reading};
use crate::input::Fields;
use crate::{forward, input};
use sdk::{Outcome, Problem, response};

/// What a reply may say; where it goes, its conversation knows.
const REPLY: [&str; 6] = ["body", "media_id", "content_type", "metadata", "client_ref", "sender_customer_id"];

/// An outbound message on the conversation's channel.
pub async fn reply<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let mut fields: Fields = input::parse(&call.body)?;
    let unknown = fields.names().filter(|name| !REPLY.contains(&name.as_str())).take(20);
    let pointer = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1")); // RFC 6901
    input::refuse(unknown.map(|name| input::error(&pointer(name), "is not a known field")).collect())?;
    let conversation = conversation(outside, call).await?;
    fields.set("conversation_id", Some(&conversation.id));
    fields.set("direction", Some("outbound"));
    fields.set("channel", conversation.channel.as_deref());
    fields.set("channel_account_id", conversation.channel_account_id.as_deref());
    let message = call.with_body(fields.to_bytes());
    messages::create_in(outside, &message, conversation).await
}

/// The conversation in the path.
async fn conversation<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Conversation, Problem> {
    let found = outside.get_conversations(call.typed_context(), vec![call.id()]).await;
    let found = found.map_err(|error| whole(call, Service::Conversation, error))?;
    found.into_iter().next().ok_or_else(|| Problem::not_found("conversation"))
}

/// Up to a message, which the conversation must have, or up to its newest. Where that stands, messaging knows; what is unread then, conversation does.
pub async fn mark_read<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    own::once(outside, call, async || read_up_to(outside, call).await).await
}

async fn read_up_to<B: Outside>(outside: &B, call: &Call<'_>) -> Outcome {
    let named = named_message(call)?;
    let conversation = conversation(outside, call).await?;
    let up_to = match named {
        Some(id) => id,
        None => match newest(outside, call).await? {
            Some(id) => id,
            None => return read_state(&conversation, None),
        },
    };
    let place = match outside.place_of(call.typed_context(), up_to.clone()).await {
        Ok(place) if place.conversation_id == conversation.id => place,
        Ok(_) | Err(CallError::NotFound) => {
            return Err(Problem::invalid_field("/up_to", "there is no such message in the conversation"));
        }
        Err(error) => return Err(whole(call, Service::Messaging, error)),
    };
    let reading = Reading { conversation_id: conversation.id, seq: place.seq, inbound: place.inbound };
    let read = outside.mark_read(call.typed_context(), reading).await;
    read_state(&read.map_err(|error| whole(call, Service::Conversation, error))?, Some(up_to))
}

/// `up_to`; without it, and without a body, all is read.
fn named_message(call: &Call<'_>) -> Result<Option<String>, Problem> {
    if call.body.is_empty() {
        return Ok(None);
    }
    own::request(call).decode(|input| {
        if input.is_null("up_to") {
            input.refuse("up_to", "must be the id of a message; leave it out to read all");
        }
        input.id("up_to")
    })
}

/// The conversation's newest message, if it has any.
async fn newest<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Option<String>, Problem> {
    let page = outside.list_messages(call.typed_context(), call.id(), None, None, 1).await;
    let page = page.map_err(|error| whole(call, Service::Messaging, error))?;
    Ok(page.messages.into_iter().next().map(|message| message.id))
}

fn read_state(read: &Conversation, up_to: Option<String>) -> Outcome {
    response::ok(
        &json!({ "conversation_id": read.id, "up_to": up_to, "unread_count": read.unread_count, "last_seq": read.last_seq }),
    )
}

#[derive(Deserialize)]
struct References {
    customer_id: Option<Value>,
}

/// Checks that the conversation and the customer exist, then lets the service that owns conversations do the rest.
pub async fn add_participant<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let path = format!("/conversations/{}/participants", call.id());
    let owner = (Service::Conversation, path.as_str());
    match check_participant(outside, call).await {
        Ok(()) => forward::forward(outside, call, owner.0, owner.1).await,
        Err(refusal) => forward::first_answer_or(outside, call, owner, refusal).await,
    }
}

async fn check_participant<B: Outside>(outside: &B, call: &Call<'_>) -> Result<(), Problem> {
    let input: References = input::parse(&call.body)?;
    let mut errors = Vec::new();
    let customer = input::id(input.customer_id.as_ref(), "/customer_id", &mut errors);
    let (there, known) = join(conversation(outside, call), customers(outside, call, customer.as_slice())).await;
    there?;
    let known = known.map_err(|error| whole(call, Service::Customer, error))?;
    if customer.is_some_and(|id| !known.contains(&id)) {
        errors.push(input::error("/customer_id", "there is no such customer"));
    }
    input::refuse(errors)
}
