//! The operator's side: subscriptions, and dead letters to list, look at, redrive and discard.

use crate::broker::{Broker, Subscriber};
use crate::clock::rfc3339;
use crate::cloudevents;
use crate::engine::{DeadLetter, DeadLetterQuery, EngineError, Selection};
use http::StatusCode;
use kobliat_admin::{AdminRequest, Answer, Problem, Reply, RouteGroup};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tracing::{info, warn};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// `/events/…` of the admin surface.
pub struct EventRoutes(pub Arc<Broker>);

impl RouteGroup for EventRoutes {
    fn prefix(&self) -> &'static str {
        "events"
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            let broker = &self.0;
            match (request.method.as_str(), request.segments().as_slice()) {
                ("GET", ["subscriptions"]) => broker.show_subscriptions().await,
                ("GET", ["dead-letters"]) => broker.list(&request).await,
                ("POST", ["dead-letters", "redrive"]) => broker.redrive_all(&request).await,
                ("POST", ["dead-letters", "discard"]) => broker.discard_all(&request).await,
                ("GET", ["dead-letters", id]) => broker.show(id).await,
                ("DELETE", ["dead-letters", id]) => broker.discard_one(id).await,
                ("POST", ["dead-letters", id, "redrive"]) => broker.redrive_one(id).await,
                _ => Err(Reply::unknown()),
            }
        })
    }
}

type Told = Result<Reply, Problem>;

impl Broker {
    async fn show_subscriptions(&self) -> Told {
        let counts = self.engine.counts().await.map_err(failed)?;
        let rows: Vec<Value> = counts
            .iter()
            .map(|count| {
                let subscriber = self.subscribers.iter().find(|one| one.subscription.component == count.subscription);
                let mut row =
                    json!({ "subscription": count.subscription, "waiting": count.waiting, "dead": count.dead });
                let more = subscriber.map_or_else(|| json!({ "state": "removed" }), |one| at_work(one));
                if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
                    row.extend(more);
                }
                row
            })
            .collect();
        Ok(Reply::json(&json!({ "subscriptions": rows, "backlog": self.engine.backlog() })))
    }

    async fn list(&self, request: &AdminRequest) -> Told {
        let limit = match request.parameter::<usize>("limit")? {
            None => DEFAULT_LIMIT,
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(Problem::bad_request(format!("`limit` is 1 to {MAX_LIMIT}"))),
        };
        let given = |name: &str| request.query.get(name).filter(|value| !value.is_empty()).cloned();
        let asked = DeadLetterQuery {
            tenant: given("tenant"),
            subscription: given("subscription"),
            before: given("cursor"),
            limit: limit + 1,
        };
        let mut letters = self.engine.dead_letters(asked).await.map_err(failed)?;
        let has_more = letters.len() > limit;
        letters.truncate(limit);
        let next = letters.last().filter(|_| has_more).map(|last| last.id.clone());
        let data: Vec<Value> = letters.iter().map(summary).collect();
        let meta = json!({ "limit": limit, "has_more": has_more, "next_cursor": next });
        Ok(Reply::json(&json!({ "data": data, "meta": meta })))
    }

    async fn show(&self, id: &str) -> Told {
        let letter = self.engine.dead_letter(id.to_owned()).await.map_err(failed)?.ok_or_else(no_such)?;
        let mut shown = summary(&letter);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("event".to_owned(), cloudevents::to_json(&letter.event));
        }
        Ok(Reply::json(&shown))
    }

    async fn redrive_one(&self, id: &str) -> Told {
        let letter = self.engine.dead_letter(id.to_owned()).await.map_err(failed)?.ok_or_else(no_such)?;
        self.redrive(Selection::One(id.to_owned()), &letter.subscription).await
    }

    async fn redrive_all(&self, request: &AdminRequest) -> Told {
        let name = subscription_in(request)?;
        self.redrive(Selection::Subscription(name.clone()), &name).await
    }

    async fn redrive(&self, which: Selection, subscription: &str) -> Told {
        let count = self.engine.redrive(self.clock.now(), which).await.map_err(failed)?;
        self.wake(|subscriber| subscriber.subscription.component == subscription);
        info!(component = subscription, "{count} dead letters of component `{subscription}` wait again");
        Ok(Reply::json_with(StatusCode::ACCEPTED, &json!({ "subscription": subscription, "redriven": count })))
    }

    async fn discard_one(&self, id: &str) -> Told {
        match self.engine.discard(Selection::One(id.to_owned())).await.map_err(failed)? {
            0 => Err(no_such()),
            _ => {
                info!("dead letter `{id}` was discarded");
                Ok(Reply::no_content())
            }
        }
    }

    async fn discard_all(&self, request: &AdminRequest) -> Told {
        let name = subscription_in(request)?;
        let count = self.engine.discard(Selection::Subscription(name.clone())).await.map_err(failed)?;
        info!(component = %name, "{count} dead letters of component `{name}` were discarded");
        Ok(Reply::json(&json!({ "subscription": name, "discarded": count })))
    }
}

fn at_work(subscriber: &Subscriber) -> Value {
    let tally = &subscriber.tally;
    let interests = subscriber.subscription.interests.iter();
    let patterns: Vec<Value> =
        interests.map(|one| json!({ "type": one.pattern.as_str(), "attempts": one.schedule.attempts() })).collect();
    json!({
        "state": if subscriber.is_paused() { "paused" } else { "active" },
        "patterns": patterns,
        "in_flight": tally.in_flight.load(Relaxed),
        "delivered": tally.delivered.load(Relaxed),
        "retried": tally.retried.load(Relaxed),
        "dead_lettered": tally.dead.load(Relaxed),
    })
}

/// Without the event's data: a list is for looking over.
fn summary(letter: &DeadLetter) -> Value {
    let event = &letter.event;
    json!({
        "id": letter.id,
        "subscription": letter.subscription,
        "tenant": event.tenant(),
        "event_id": event.id(),
        "event_source": event.source(),
        "event_type": event.kind(),
        "subject": event.get("subject"),
        "partition_key": event.partition_key(),
        "attempts": letter.attempts,
        "last_status": letter.failure.status,
        "reason": letter.failure.reason,
        "died_at": rfc3339(letter.died_at),
    })
}

fn subscription_in(request: &AdminRequest) -> Result<String, Problem> {
    let body = request.json()?;
    let name = body.get("subscription").and_then(Value::as_str).map(str::to_owned);
    name.ok_or_else(|| Problem::bad_request("the body must be {\"subscription\": \"<component>\"}"))
}

fn no_such() -> Problem {
    Problem::not_found("such dead letter")
}

fn failed(error: EngineError) -> Problem {
    warn!("the events' store did not answer the operator: {error}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the events' store did not answer; try again")
}
