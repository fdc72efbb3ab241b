//! What messaging publishes: the message's own words, past tense, with the message as it is in the API.

use sdk::{Context, Event, Micros};
use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{Direction, Message, Status},
    view::View,
};

const SOURCE: &str = "/components/messaging";

/// A message was stored.
pub fn stored(context: &Context, message: &Message, now: Micros) -> Event {
    let kind = match message.direction {
        Direction::Inbound => "com.kobliat.message.received.v1",
        Direction::System => "com.kobliat.message.noted.v1",
        Direction::Outbound => progress(message.status),
    };
    event(kind, context, message, now)
}

/// A message's status changed.
pub fn progressed(context: &Context, message: &Message, now: Micros) -> Event {
    event(progress(message.status), context, message, now)
}

/// A message's text changed, or what is known of its media.
pub fn edited(context: &Context, message: &Message, now: Micros) -> Event {
    event("com.kobliat.message.edited.v1", context, message, now)
}

/// What was said to or by a customer who is forgotten is gone, by the ids under which others may hold it.
pub fn messages_erased(context: &Context, conversation_id: &str, data: &impl Serialize, now: Micros) -> Event {
    Event::new(SOURCE, "com.kobliat.message.erased.v1", conversation_id, &context.tenant, now).with(data)
}

/// What of a customer who is forgotten was removed here.
pub fn erased(context: &Context, customer_id: &str, data: &impl Serialize, now: Micros) -> Event {
    Event::new(SOURCE, "com.kobliat.customer.erased.v1", customer_id, &context.tenant, now).with(data)
}

fn progress(status: Status) -> &'static str {
    match status {
        Status::Queued => "com.kobliat.message.queued.v1",
        Status::Unknown => "com.kobliat.message.unknown.v1",
        Status::Sent => "com.kobliat.message.sent.v1",
        Status::Failed => "com.kobliat.message.failed.v1",
        Status::Delivered => "com.kobliat.message.delivered.v1",
        Status::Read => "com.kobliat.message.read.v1",
    }
}

/// Ordered within its conversation.
fn event(kind: &'static str, context: &Context, message: &Message, now: Micros) -> Event {
    let event = Event {
        partition_key: message.conversation_id.clone(),
        traceparent: context.traceparent.clone(),
        ..Event::new(SOURCE, kind, &message.id, &context.tenant, now)
    };
    let failure = failure(message);
    event.with(&Told { message: View::from(message.clone()), failure })
}

/// The message, and for who looks for it first: why it failed, or why nobody knows.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    message: View,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Value>,
}

fn failure(message: &Message) -> Option<Value> {
    let is_known = matches!(message.status, Status::Failed | Status::Unknown);
    let metadata: Value = is_known.then(|| serde_json::from_str(&message.metadata).ok())??;
    metadata.get("failure").cloned()
}
