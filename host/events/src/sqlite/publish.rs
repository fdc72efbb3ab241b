//! Storing a batch, and forgetting what was published long ago.

use super::counters::Changes;
use super::{STEP, SqliteEngine, rows};
use crate::engine::{EngineError, Publication, Published};
use crate::event::{Event, Micros};
use kobliat_sqlite::Error;
use kobliat_sqlite::rusqlite::{Connection, params};
use std::sync::Arc;

/// An event with the numbers of its subscriptions.
pub(super) struct Routed {
    pub event: Event,
    pub subscriptions: Vec<i64>,
}

impl SqliteEngine {
    pub(super) async fn publish_batch(&self, now: Micros, batch: Vec<Publication>) -> Result<Published, EngineError> {
        let bytes = batch.iter().map(|publication| publication.event.size_bytes()).sum();
        let mut routed = Vec::with_capacity(batch.len());
        for publication in batch {
            routed.push(self.route(publication).await?);
        }
        let routed = Arc::new(routed);
        let (published, changes) = self
            .write(bytes, move |file| {
                let (mut published, mut changes) = (Published::default(), Changes::new());
                for (position, one) in routed.iter().enumerate() {
                    match store(file, one, now, &mut changes)? {
                        Stored::New => published.stored += 1,
                        Stored::Before => published.known.push(position),
                    }
                }
                Ok((published, changes))
            })
            .await?;
        self.counters.apply(&changes);
        Ok(published)
    }

    pub(super) async fn route(&self, publication: Publication) -> Result<Routed, EngineError> {
        let mut subscriptions = Vec::with_capacity(publication.subscriptions.len());
        for name in &publication.subscriptions {
            subscriptions.push(self.claims(name).await?.id);
        }
        Ok(Routed { event: publication.event, subscriptions })
    }

    pub(super) async fn forget_known(&self, before: Micros) -> Result<u64, EngineError> {
        let mut forgotten = 0;
        loop {
            let step = self.write(0, move |file| forget_some(file, before)).await?;
            forgotten += step as u64;
            if step < STEP {
                return Ok(forgotten);
            }
        }
    }
}

/// Whether this write stored the event.
pub(super) enum Stored {
    New,
    Before,
}

pub(super) fn store(file: &Connection, routed: &Routed, now: Micros, changes: &mut Changes) -> Result<Stored, Error> {
    let Routed { event, subscriptions } = routed;
    let insert = "INSERT INTO known (source, event_id, published_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    if file.prepare_cached(insert)?.execute(params![event.source(), event.id(), now])? == 0 {
        return Ok(Stored::Before);
    }
    if subscriptions.is_empty() {
        return Ok(Stored::New);
    }
    let position = file.last_insert_rowid();
    let attributes = serde_json::to_string(event.attributes()).map_err(|error| Error::Statement(error.to_string()))?;
    file.prepare_cached("INSERT INTO events (position, attributes, data, open) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![position, attributes, event.data.as_ref(), rows(subscriptions.len())])?;
    for subscription in subscriptions {
        enqueue(file, *subscription, event.partition(), position, now)?;
        changes.entry(*subscription).or_default().waiting += 1;
    }
    Ok(Stored::New)
}

/// At the end of its partition; due when it is alone there.
fn enqueue(file: &Connection, subscription: i64, partition: i64, position: i64, now: Micros) -> Result<(), Error> {
    let insert = "INSERT INTO deliveries (subscription, partition, position, due) VALUES (?1, ?2, ?3, CASE WHEN EXISTS \
                  (SELECT 1 FROM deliveries WHERE subscription = ?1 AND partition = ?2) THEN NULL ELSE ?4 END)";
    file.prepare_cached(insert)?.execute(params![subscription, partition, position, now])?;
    Ok(())
}

/// From the oldest on. The newest stays: positions must never start again below those that wait.
fn forget_some(file: &Connection, before: Micros) -> Result<usize, Error> {
    let mut oldest = file.prepare_cached(
        "SELECT position, published_at FROM known WHERE position < (SELECT max(position) FROM known) \
         ORDER BY position LIMIT ?1",
    )?;
    let found = oldest.query_map([rows(STEP)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Micros>(1)?)))?;
    let mut last = None;
    for row in found {
        let (position, published_at) = row?;
        if published_at >= before {
            break;
        }
        last = Some(position);
    }
    let Some(last) = last else { return Ok(0) };
    Ok(file.prepare_cached("DELETE FROM known WHERE position <= ?1")?.execute([last])?)
}
