//! Claiming what is due: heads of partitions, by their due time.

use super::{SqliteEngine, event_of, rows};
use crate::engine::{Claimed, Delivery, EngineError, Receipt, Room};
use crate::event::{Event, Micros};
use kobliat_sqlite::Error;
use kobliat_sqlite::rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashSet;

impl SqliteEngine {
    pub(super) async fn claim_due(&self, subscription: &str, now: Micros, room: Room) -> Result<Claimed, EngineError> {
        let claims = self.claims(subscription).await?;
        let mut partitions = claims.partitions.lock().await;
        let (id, taken) = (claims.id, partitions.clone());
        let claimed = self.database.read(move |file| due(file, id, now, room, &taken)).await?;
        partitions.extend(claimed.deliveries.iter().map(|delivery| delivery.receipt.partition));
        Ok(claimed)
    }
}

fn due(file: &Connection, subscription: i64, now: Micros, room: Room, taken: &HashSet<i64>) -> Result<Claimed, Error> {
    let mut claimed = Claimed::default();
    // What is claimed already is due, too: one row more than both tells whether there is more.
    let limit = rows(room.deliveries.saturating_add(taken.len() + 1));
    let mut heads = file.prepare_cached(
        "SELECT partition, position FROM deliveries WHERE subscription = ?1 AND due <= ?2 ORDER BY due LIMIT ?3",
    )?;
    let mut found = heads.query(params![subscription, now, limit])?;
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let receipt = Receipt { partition: row.get(0)?, position: row.get(1)? };
        if taken.contains(&receipt.partition) {
            continue;
        }
        if claimed.deliveries.len() == room.deliveries || bytes > room.bytes {
            claimed.more = true;
            break;
        }
        let (attempts, event) = content(file, subscription, receipt)?;
        bytes += event.size_bytes();
        claimed.deliveries.push(Delivery { receipt, attempts, event });
    }
    if !claimed.more {
        let next = "SELECT due FROM deliveries WHERE subscription = ?1 AND due > ?2 ORDER BY due LIMIT 1";
        let row = file.prepare_cached(next)?.query_row(params![subscription, now], |row| row.get(0)).optional()?;
        claimed.next_due = row;
    }
    Ok(claimed)
}

fn content(file: &Connection, subscription: i64, receipt: Receipt) -> Result<(u32, Event), Error> {
    let mut select = file.prepare_cached(
        "SELECT attempts, attributes, data FROM deliveries JOIN events USING (position) \
         WHERE subscription = ?1 AND partition = ?2 AND position = ?3",
    )?;
    let row = select.query_row(params![subscription, receipt.partition, receipt.position], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
    });
    let (attempts, attributes, data) = row?;
    Ok((attempts, event_of(&attributes, data)?))
}
