//! Dead letters: buried, shown, made to wait again, or given up.

use super::counters::Changes;
use super::settle::close_event;
use super::{STEP, SqliteEngine, event_of, rows};
use crate::engine::{DeadLetter, DeadLetterQuery, EngineError, Failure, Receipt, Selection};
use crate::event::Micros;
use kobliat_sqlite::Error;
use kobliat_sqlite::rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

/// A dead letter on its way out.
struct Taken {
    subscription: i64,
    receipt: Receipt,
}

impl SqliteEngine {
    pub(super) async fn redrive_dead(&self, now: Micros, which: Selection) -> Result<u64, EngineError> {
        self.each(which, move |file, taken, changes| {
            let change = changes.entry(taken.subscription).or_default();
            (change.waiting, change.dead) = (change.waiting + 1, change.dead - 1);
            put_back(file, taken, now)
        })
        .await
    }

    pub(super) async fn discard_dead(&self, which: Selection) -> Result<u64, EngineError> {
        self.each(which, |file, taken, changes| {
            changes.entry(taken.subscription).or_default().dead -= 1;
            close_event(file, taken.receipt.position)
        })
        .await
    }

    /// Takes the dead letters out, the oldest first, some at a time, and does this with each.
    async fn each<W>(&self, which: Selection, work: W) -> Result<u64, EngineError>
    where
        W: Fn(&Connection, &Taken, &mut Changes) -> Result<(), Error> + Clone + Send + 'static,
    {
        let (which, mut all) = (Arc::new(which), 0);
        loop {
            let (which, work) = (Arc::clone(&which), work.clone());
            let (step, changes) = self
                .write(0, move |file| {
                    let (taken, mut changes) = (take(file, &which)?, Changes::new());
                    for one in &taken {
                        work(file, one, &mut changes)?;
                    }
                    Ok((taken.len(), changes))
                })
                .await?;
            self.counters.apply(&changes);
            all += step as u64;
            if step < STEP {
                return Ok(all);
            }
        }
    }
}

fn take(file: &Connection, which: &Selection) -> Result<Vec<Taken>, Error> {
    let (sql, of) = match which {
        Selection::One(id) => {
            ("DELETE FROM dead_letters WHERE id = ?1 RETURNING subscription, partition, position", id)
        }
        Selection::Subscription(name) => (
            "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE subscription = \
             (SELECT id FROM subscriptions WHERE name = ?1) ORDER BY position LIMIT ?2) \
             RETURNING subscription, partition, position",
            name,
        ),
    };
    let mut delete = file.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        let receipt = Receipt { partition: row.get(1)?, position: row.get(2)? };
        Ok(Taken { subscription: row.get(0)?, receipt })
    };
    let taken = match which {
        Selection::One(_) => delete.query_map(params![of], read)?,
        Selection::Subscription(_) => delete.query_map(params![of, rows(STEP)], read)?,
    };
    Ok(taken.collect::<Result<_, _>>()?)
}

/// Into its old place. When that is the first of its partition, the one that was first waits behind it from now on, even
/// if it is being delivered: its partition stays claimed until that has ended.
fn put_back(file: &Connection, taken: &Taken, now: Micros) -> Result<(), Error> {
    let Taken { subscription, receipt: Receipt { partition, position } } = taken;
    let first = "SELECT min(position) FROM deliveries WHERE subscription = ?1 AND partition = ?2";
    let first: Option<i64> =
        file.prepare_cached(first)?.query_row(params![subscription, partition], |row| row.get(0))?;
    let is_first = first.is_none_or(|first| *position < first);
    if is_first {
        let demote = "UPDATE deliveries SET due = NULL WHERE subscription = ?1 AND partition = ?2 AND due IS NOT NULL";
        file.prepare_cached(demote)?.execute(params![subscription, partition])?;
    }
    file.prepare_cached("INSERT INTO deliveries (subscription, partition, position, due) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![subscription, partition, position, is_first.then_some(now)])?;
    Ok(())
}

pub(super) fn bury(
    file: &Connection,
    subscription: i64,
    receipt: Receipt,
    id: &str,
    attempts: u32,
    failure: &Failure,
    now: Micros,
) -> Result<(), Error> {
    let insert = "INSERT INTO dead_letters (id, subscription, partition, position, tenant, attempts, status, reason, died_at) \
                  SELECT ?1, ?2, ?3, ?4, attributes ->> 'tenant', ?5, ?6, ?7, ?8 FROM events WHERE position = ?4";
    let Receipt { partition, position } = receipt;
    file.prepare_cached(insert)?.execute(params![
        id,
        subscription,
        partition,
        position,
        attempts,
        failure.status,
        failure.reason,
        now
    ])?;
    Ok(())
}

const SELECT: &str = "SELECT dead_letters.id, name, attempts, status, reason, died_at, attributes, data FROM dead_letters \
                      JOIN subscriptions ON subscriptions.id = subscription JOIN events USING (position)";

pub(super) fn get(file: &Connection, id: &str) -> Result<Option<DeadLetter>, Error> {
    let mut select = file.prepare_cached(&format!("{SELECT} WHERE dead_letters.id = ?1"))?;
    select.query_row([id], |row| Ok(read(row))).optional()?.transpose()
}

pub(super) fn list(file: &Connection, query: &DeadLetterQuery) -> Result<Vec<DeadLetter>, Error> {
    let mut conditions = vec!["(?1 IS NULL OR dead_letters.id < ?1)"];
    // Each its own statement, so that each has its index.
    conditions.push(if query.tenant.is_some() { "tenant = ?2" } else { "?2 IS NULL" });
    conditions.push(if query.subscription.is_some() { "name = ?3" } else { "?3 IS NULL" });
    let sql = format!("{SELECT} WHERE {} ORDER BY dead_letters.id DESC LIMIT ?4", conditions.join(" AND "));
    let mut select = file.prepare_cached(&sql)?;
    let found = select
        .query_map(params![query.before, query.tenant, query.subscription, rows(query.limit)], |row| Ok(read(row)))?;
    found.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        id: row.get(0)?,
        subscription: row.get(1)?,
        attempts: row.get(2)?,
        failure: Failure { status: row.get(3)?, reason: row.get(4)? },
        died_at: row.get(5)?,
        event: event_of(&row.get::<_, String>(6)?, row.get(7)?)?,
    })
}
