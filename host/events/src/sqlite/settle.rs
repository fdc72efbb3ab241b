//! Ending claims: done, again later, or dead.

use super::counters::Changes;
use super::publish::{Routed, store};
use super::{SqliteEngine, dead};
use crate::engine::{EngineError, Failure, Outcome, Receipt, Settled};
use crate::event::Micros;
use kobliat_sqlite::Error;
use kobliat_sqlite::rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// What the writer is told of one settled claim.
enum Step {
    Done,
    Retry { at: Micros },
    Dead { id: String, failure: Failure, announcement: Option<Routed> },
}

impl SqliteEngine {
    pub(super) async fn settle_claims(
        &self,
        subscription: &str,
        now: Micros,
        settled: Vec<Settled>,
    ) -> Result<(), EngineError> {
        let claims = self.claims(subscription).await?;
        let ended: Vec<i64> = settled.iter().map(|one| one.receipt.partition).collect();
        let mut steps = Vec::with_capacity(settled.len());
        for Settled { receipt, outcome } in settled {
            let step = match outcome {
                Outcome::Released => continue,
                Outcome::Done => Step::Done,
                Outcome::Retry { at, .. } => Step::Retry { at },
                Outcome::Dead { id, failure, announcement } => {
                    let announcement = match announcement {
                        Some(publication) => Some(self.route(*publication).await?),
                        None => None,
                    };
                    Step::Dead { id, failure, announcement }
                }
            };
            steps.push((receipt, step));
        }
        if !steps.is_empty() {
            let (id, steps) = (claims.id, Arc::new(steps));
            let changes = self.write(0, move |file| take_steps(file, id, now, &steps)).await?;
            self.counters.apply(&changes);
        }
        let mut partitions = claims.partitions.lock().await;
        for partition in ended {
            partitions.remove(&partition);
        }
        Ok(())
    }
}

fn take_steps(file: &Connection, id: i64, now: Micros, steps: &[(Receipt, Step)]) -> Result<Changes, Error> {
    let mut changes = Changes::new();
    for (receipt, step) in steps {
        match step {
            Step::Done => done(file, id, *receipt, now, &mut changes)?,
            Step::Retry { at } => retry(file, id, *receipt, *at)?,
            Step::Dead { id: letter, failure, announcement } => {
                let Some(attempts) = take(file, id, *receipt, now)? else { continue };
                dead::bury(file, id, *receipt, letter, attempts + 1, failure, now)?;
                let change = changes.entry(id).or_default();
                (change.waiting, change.dead) = (change.waiting - 1, change.dead + 1);
                if let Some(announcement) = announcement {
                    store(file, announcement, now, &mut changes)?;
                }
            }
        }
    }
    Ok(changes)
}

/// A claim that was settled before (its answer got lost) is not counted again.
fn done(file: &Connection, id: i64, receipt: Receipt, now: Micros, changes: &mut Changes) -> Result<(), Error> {
    if take(file, id, receipt, now)?.is_some() {
        changes.entry(id).or_default().waiting -= 1;
        close_event(file, receipt.position)?;
    }
    Ok(())
}

/// A delivery that a redriven one has overtaken meanwhile is not the head any more, and stays without a due time.
fn retry(file: &Connection, id: i64, receipt: Receipt, at: Micros) -> Result<(), Error> {
    let update = "UPDATE deliveries SET attempts = attempts + 1, due = CASE WHEN due IS NULL THEN NULL ELSE ?4 END \
                  WHERE subscription = ?1 AND partition = ?2 AND position = ?3";
    file.prepare_cached(update)?.execute(params![id, receipt.partition, receipt.position, at])?;
    Ok(())
}

/// Takes the delivery out of its partition, where the next one becomes due. Answers its failed attempts.
fn take(file: &Connection, id: i64, receipt: Receipt, now: Micros) -> Result<Option<u32>, Error> {
    let delete =
        "DELETE FROM deliveries WHERE subscription = ?1 AND partition = ?2 AND position = ?3 RETURNING attempts";
    let attempts = file
        .prepare_cached(delete)?
        .query_row(params![id, receipt.partition, receipt.position], |row| row.get(0))
        .optional()?;
    if attempts.is_some() {
        let next = "UPDATE deliveries SET due = ?3 WHERE subscription = ?1 AND partition = ?2 AND due IS NULL AND position = \
                    (SELECT min(position) FROM deliveries WHERE subscription = ?1 AND partition = ?2)";
        file.prepare_cached(next)?.execute(params![id, receipt.partition, now])?;
    }
    Ok(attempts)
}

/// One fewer needs the event; the last takes it along.
pub(super) fn close_event(file: &Connection, position: i64) -> Result<(), Error> {
    let gone = file.prepare_cached("DELETE FROM events WHERE position = ?1 AND open = 1")?.execute([position])?;
    if gone == 0 {
        file.prepare_cached("UPDATE events SET open = open - 1 WHERE position = ?1")?.execute([position])?;
    }
    Ok(())
}
