//! The engines under test. A new one implements [`Subject`] and is named once below each module's macro.

use kobliat_events::SqliteEngine;
use kobliat_events::engine::*;
use kobliat_events::event::{Event, Micros};
use std::sync::Arc;

/// How an engine is opened on what an earlier one left behind. Dropping an engine is a crash.
pub trait Subject {
    async fn open(&self, now: Micros) -> Arc<dyn Engine>;
}

pub struct Sqlite(tempfile::TempDir);

impl Default for Sqlite {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Subject for Sqlite {
    async fn open(&self, now: Micros) -> Arc<dyn Engine> {
        Arc::new(SqliteEngine::open(&self.0.path().join("events.db"), now).await.unwrap())
    }
}

/// An event of the tenant `t`.
pub fn event(id: &str, key: &str) -> Event {
    let attributes = [("id", id), ("source", "/test"), ("type", "test.v1"), ("tenant", "t"), ("partitionkey", key)];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Event::new(attributes, format!("data of {id}").into()).unwrap()
}

pub fn publication(id: &str, key: &str, subscriptions: &[&str]) -> Publication {
    Publication { event: event(id, key), subscriptions: subscriptions.iter().map(|name| (*name).to_owned()).collect() }
}

pub const ROOM: Room = Room { deliveries: 100, bytes: 1 << 20 };

/// By id, for what falls due at the same moment comes in any order.
pub async fn claim(engine: &Arc<dyn Engine>, subscription: &str, now: Micros) -> Vec<Delivery> {
    let mut deliveries = engine.claim(subscription, now, ROOM).await.unwrap().deliveries;
    deliveries.sort_by(|one, other| one.event.id().cmp(other.event.id()));
    deliveries
}

pub fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.event.id()).collect()
}

pub async fn settle(engine: &Arc<dyn Engine>, subscription: &str, now: Micros, delivery: &Delivery, outcome: Outcome) {
    engine.settle(subscription, now, vec![Settled { receipt: delivery.receipt, outcome }]).await.unwrap();
}

pub fn failure() -> Failure {
    Failure { status: Some(503), reason: "busy".to_owned() }
}

pub fn dead(id: &str) -> Outcome {
    Outcome::Dead { id: id.to_owned(), failure: failure(), announcement: None }
}
