//! Handling an event once, however often it comes: its name is recorded in the transaction of its effect.

use super::Incoming;
use crate::{
    Micros,
    sql::{Database, Driver, Execute, SqlError},
    sweep::STEP_ROWS,
};

/// The table, for a consumer's list of migrations.
pub const MIGRATION: &str = include_str!("../../migrations/consumed_events.sql");

/// 30 days: longer than any sink delivers by itself. What is redriven later has had no effect, or it would not be there.
const KEPT: Micros = 30 * 24 * 3600 * 1_000_000;

/// Runs `work` in a transaction unless this event has had its effect; then it answers `None` and does nothing.
pub async fn consume_once<D: Driver, T, E: From<SqlError>>(
    database: &Database<D>,
    event: &Incoming,
    now: Micros,
    work: impl AsyncFnOnce(&D::Connection) -> Result<T, E>,
) -> Result<Option<T>, E> {
    let in_transaction = async |transaction: &D::Connection| -> Result<Option<T>, E> {
        match record(transaction, event, now).await? {
            true => work(transaction).await.map(Some),
            false => Ok(None),
        }
    };
    database.transaction(in_transaction).await
}

/// False when it was there.
async fn record(transaction: &impl Execute, event: &Incoming, now: Micros) -> Result<bool, SqlError> {
    const RECORD: &str = "INSERT INTO consumed_events (tenant_id, source, event_id, consumed_at) VALUES (?, ?, ?, ?) \
                          ON CONFLICT DO NOTHING RETURNING 1";
    const SWEEP: &str = "DELETE FROM consumed_events WHERE (tenant_id, source, event_id) IN (SELECT tenant_id, source, event_id \
                         FROM consumed_events WHERE consumed_at < ?1 ORDER BY consumed_at LIMIT ?2)";
    let parameters = vec![event.tenant().into(), event.source().into(), event.id().into(), now.into()];
    let is_new = !transaction.execute(RECORD, parameters).await?.is_empty();
    // One in sixteen, by chance of its id: it takes more than thirty times what came since the last one.
    if is_new && event.id().ends_with('0') {
        transaction.execute(SWEEP, vec![(now - KEPT).into(), STEP_ROWS.into()]).await?;
    }
    Ok(is_new)
}
