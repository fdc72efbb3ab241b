//! What messaging publishes: the message's own words, past tense, with the message as it is in the API.

use sdk::{Context, Event, Micros};

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
    event.with(&View::from(message.clone()))
}
