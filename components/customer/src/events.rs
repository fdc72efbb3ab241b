//! What customer publishes: that somebody is known now, or known better, with the customer as it is in the API; and that somebody is forgotten.

use sdk::{Context, Event, Micros, clock::rfc3339};
use serde_json::json;

use crate::{domain::Customer, erasure::History, view::View};

const SOURCE: &str = "/components/customer";

/// A customer was stored for the first time.
pub fn created(context: &Context, customer: &Customer, now: Micros) -> Event {
    event("com.kobliat.customer.created.v1", context, customer, now)
}

/// A customer's name, metadata or identities changed.
pub fn updated(context: &Context, customer: &Customer, now: Micros) -> Event {
    event("com.kobliat.customer.updated.v1", context, customer, now)
}

/// A customer is gone; nothing is told of who it was.
pub fn deleted(context: &Context, id: &str, history: History, now: Micros) -> Event {
    let event = Event::new(SOURCE, "com.kobliat.customer.deleted.v1", id, &context.tenant, now);
    let told = json!({ "id": id, "deleted_at": rfc3339(now), "messages": history.as_str() });
    Event { traceparent: context.traceparent.clone(), ..event }.with(&told)
}

fn event(kind: &'static str, context: &Context, customer: &Customer, now: Micros) -> Event {
    let event = Event::new(SOURCE, kind, &customer.id, &context.tenant, now);
    Event { traceparent: context.traceparent.clone(), ..event }.with(&View::from(customer.clone()))
}
