//! One round of sending on: the oldest events first, in sequence, until the outbox is empty or the sink says no.
//!
//! Order. An event is sent only by who has seen every older one gone or accepted, and sinks ignore what they know: so
//! even two senders at once, after a lease ran out, cannot bring a newer event there before an older one.

use std::time::Duration;

use super::sink::{Said, Sink};
use crate::{
    Clock, Context, Micros, log,
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

/// Longer than a batch takes ([`super::sink::TIMEOUT`]): who holds it may finish. After a crash, the time until another takes over.
const LEASE: Micros = 15_000_000;
/// With less than this left, the lease is renewed before the next batch.
const RENEW: Micros = 10_000_000;
/// A round ends after this, so that no task runs for ever; the next call or tick goes on.
const ROUND: Micros = 30_000_000;

pub mod statements {
    /// Whether there is an event, and who sends now, until when.
    pub const LOOK: &str = "SELECT EXISTS (SELECT 1 FROM outbox), holder, until FROM (SELECT 1) \
                            LEFT JOIN outbox_lease ON tenant_id = '*'";
    pub const CLAIM: &str = "INSERT INTO outbox_lease (tenant_id, holder, until) VALUES ('*', ?1, ?2) \
                             ON CONFLICT (tenant_id) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                             WHERE outbox_lease.holder = ?1 OR outbox_lease.until <= ?3 RETURNING 1";
    /// `?1` events of together `?2` bytes; one that is larger goes alone.
    pub const OLDEST: &str = "SELECT position, event_id, event FROM \
         (SELECT position, event_id, event, sum(octet_length(event)) OVER (ORDER BY position) AS bytes FROM \
         (SELECT position, event_id, event FROM outbox ORDER BY position LIMIT ?1)) \
         WHERE bytes <= ?2 OR bytes = octet_length(event) ORDER BY position";
    /// By id: positions are used again when the outbox was empty in between.
    pub const DELETE: &str =
        "DELETE FROM outbox WHERE position <= ?1 AND event_id IN (SELECT value FROM json_each(?2))";
    pub const KEEP_REFUSED: &str = "INSERT INTO outbox_refused (tenant_id, event_id, event, reason, refused_at) \
         SELECT tenant_id, event_id, event, ?3, ?4 FROM outbox WHERE position = ?1 AND event_id = ?2 \
         ON CONFLICT DO NOTHING RETURNING tenant_id";
    /// Of each tenant the newest 500, of a month at most: nobody takes them, so that they must not fill the disk.
    pub const SWEEP_REFUSED: &str = "DELETE FROM outbox_refused WHERE refused_at < ?2 OR (tenant_id = ?1 AND event_id IN \
         (SELECT event_id FROM outbox_refused WHERE tenant_id = ?1 ORDER BY refused_at DESC, event_id DESC LIMIT -1 OFFSET 500))";
    pub const RELEASE: &str = "UPDATE outbox_lease SET until = 0 WHERE tenant_id = '*' AND holder = ?";
}

/// 30 days.
const REFUSED_KEPT: Micros = 30 * 24 * 3600 * 1_000_000;
const BATCH_EVENTS: u32 = 100;
/// 512 KiB: far below what sinks take, and little to hold in memory.
const BATCH_BYTES: u32 = 512 << 10;

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing is left.
    Empty,
    /// Another instance is at it, and will see what is here.
    Busy,
    /// The time was up; more is left.
    More,
    /// The sink took no more; what is left stays.
    Later { reason: String, after: Option<Duration> },
}

struct Waiting {
    position: i64,
    id: String,
    event: String,
}

fn waiting(mut row: Row) -> Result<Waiting, SqlError> {
    Ok(Waiting { position: row.take()?, id: row.take()?, event: row.take()? })
}

/// `holder` is this instance's own name.
pub async fn flush<D: Driver>(
    database: &Database<D>,
    sink: &impl Sink,
    clock: &dyn Clock,
    holder: &str,
) -> Result<Flushed, SqlError> {
    let (end, mut at_once) = (clock.now().saturating_add(ROUND), BATCH_EVENTS);
    loop {
        if let Some(ended) = take_turn(database, clock.now(), holder).await? {
            return Ok(ended);
        }
        let parameters = vec![at_once.into(), BATCH_BYTES.into()];
        let batch = sql::many(database.execute(statements::OLDEST, parameters).await?, waiting)?;
        match (sink.send(joined(&batch)).await, batch.as_slice()) {
            (Said::Stored, sent) => delete(database, sent).await?,
            (Said::Refused(reason), [only]) => put_aside(database, only, &reason, clock.now()).await?,
            // One of them is bad: the others must not suffer for it.
            (Said::Refused(_), _) => at_once = 1,
            (Said::Later { reason, after }, _) => {
                database.execute(statements::RELEASE, vec![holder.into()]).await?;
                return Ok(Flushed::Later { reason, after });
            }
        }
        if clock.now() >= end {
            database.execute(statements::RELEASE, vec![holder.into()]).await?;
            return Ok(Flushed::More);
        }
    }
}

/// `None` when there is an event and the turn is ours. An empty outbox is found by one read, without a write.
async fn take_turn<D: Driver>(database: &Database<D>, now: Micros, holder: &str) -> Result<Option<Flushed>, SqlError> {
    let mut look = database.execute(statements::LOOK, Vec::new()).await?;
    let row = look.first_mut().ok_or_else(|| SqlError::Row("no look at the outbox".to_owned()))?;
    let (is_waiting, held_by, until): (bool, Option<String>, Option<Micros>) = (row.take()?, row.take()?, row.take()?);
    let left = until.unwrap_or_default().saturating_sub(now);
    let is_ours = held_by.as_deref() == Some(holder);
    match is_waiting {
        false => return Ok(Some(Flushed::Empty)),
        true if is_ours && left > RENEW => return Ok(None),
        // A lease from the future was written by a clock that has been set back since.
        true if !is_ours && (1..=LEASE).contains(&left) => return Ok(Some(Flushed::Busy)),
        true => {}
    }
    let expired = if left > LEASE { Micros::MAX } else { now };
    let claim = vec![holder.into(), now.saturating_add(LEASE).into(), expired.into()];
    let is_taken = database.execute(statements::CLAIM, claim).await?.is_empty();
    Ok(is_taken.then_some(Flushed::Busy))
}

fn joined(batch: &[Waiting]) -> String {
    let events: Vec<&str> = batch.iter().map(|waiting| waiting.event.as_str()).collect();
    format!("[{}]", events.join(","))
}

async fn delete<D: Driver>(database: &Database<D>, sent: &[Waiting]) -> Result<(), SqlError> {
    let Some(last) = sent.last() else { return Ok(()) };
    let ids: Vec<&str> = sent.iter().map(|waiting| waiting.id.as_str()).collect();
    database.execute(statements::DELETE, vec![last.position.into(), sql::list(&ids)?]).await.map(|_| ())
}

async fn put_aside<D: Driver>(
    database: &Database<D>,
    refused: &Waiting,
    reason: &str,
    now: Micros,
) -> Result<(), SqlError> {
    let Waiting { position, id, .. } = refused;
    log::error(&Context::default(), "an event was refused for good", &[("event", id), ("reason", &reason)]);
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        let keep = vec![(*position).into(), id.into(), reason.into(), now.into()];
        let rows = transaction.execute(statements::KEEP_REFUSED, keep).await?;
        if let Some(mut row) = rows.into_iter().next() {
            let tenant: String = row.take()?;
            transaction.execute(statements::SWEEP_REFUSED, vec![tenant.into(), (now - REFUSED_KEPT).into()]).await?;
        }
        transaction.execute(statements::DELETE, vec![(*position).into(), sql::list(&[id])?]).await.map(|_| ())
    };
    database.transaction(work).await
}
