//! What conversation publishes: that one was opened or changed, with the conversation as it is in the API.
//!
//! That a message came is messaging's event; a touch is told here only when it opens what was closed.

use sdk::{Context, Event, Micros};
use serde::Serialize;

use crate::{domain::Conversation, view::View};

const SOURCE: &str = "/components/conversation";

/// A conversation was stored for the first time.
pub fn created(context: &Context, conversation: &Conversation, now: Micros) -> Event {
    event("com.kobliat.conversation.created.v1", context, conversation, now)
}

/// A conversation's status, subject, metadata or participants changed.
pub fn updated(context: &Context, conversation: &Conversation, now: Micros) -> Event {
    event("com.kobliat.conversation.updated.v1", context, conversation, now)
}

/// What of a customer who is forgotten was removed here, and in which conversations there may be more of it.
pub fn erased(context: &Context, customer_id: &str, data: &impl Serialize, now: Micros) -> Event {
    Event::new(SOURCE, "com.kobliat.customer.erased.v1", customer_id, &context.tenant, now).with(data)
}

fn event(kind: &'static str, context: &Context, conversation: &Conversation, now: Micros) -> Event {
    let event = Event::new(SOURCE, kind, &conversation.id, &context.tenant, now);
    Event { traceparent: context.traceparent.clone(), ..event }.with(&View::from(conversation.clone()))
}
