//! Touches in SQL: the conversation moves forward only, and each sequence number counts once, in whatever order they come.

use sdk::{
    Micros,
    sql::{Execute, SqlError},
};

use crate::touch::{Run, Touch};

pub mod statements {
    /// Applies only to the run that follows the last message: `?3` is the number before the run's first.
    pub const ADVANCE: &str = "UPDATE conversations SET last_seq = ?4, last_message_preview = ?5, \
         last_message_at = max(coalesce(last_message_at, ?6), ?6), activity_at = max(coalesce(last_message_at, ?6), ?6), \
         unread_count = unread_count + ?7, \
         status = CASE WHEN ?7 > 0 AND status = 'closed' THEN 'open' ELSE status END, updated_at = ?8 \
         WHERE tenant_id = ?1 AND id = ?2 AND last_seq = ?3 RETURNING id";
    /// A message from before the last one: it counts, but what is shown stays.
    pub const FILL: &str = "UPDATE conversations SET last_message_at = max(last_message_at, ?3), \
         activity_at = max(activity_at, ?3), unread_count = unread_count + ?4, \
         status = CASE WHEN ?4 > 0 AND status = 'closed' THEN 'open' ELSE status END, updated_at = ?5 \
         WHERE tenant_id = ?1 AND id = ?2";
    pub const LAST_SEQ: &str = "SELECT last_seq FROM conversations WHERE tenant_id = ?1 AND id = ?2";
    pub const GAP: &str = "SELECT first_seq, last_seq FROM touch_gaps WHERE tenant_id = ?1 AND conversation_id = ?2 \
         AND first_seq <= ?3 ORDER BY first_seq DESC LIMIT 1";
}

/// Whether the run followed the last message, so that all of it is done.
pub(super) async fn advance(db: &impl Execute, tenant: &str, run: &Run, now: Micros) -> Result<bool, SqlError> {
    advance_from(db, tenant, run, run.first_seq().saturating_sub(1), now).await
}

async fn advance_from(db: &impl Execute, tenant: &str, run: &Run, from: u64, now: Micros) -> Result<bool, SqlError> {
    let parameters = vec![
        tenant.into(),
        (&run.conversation_id).into(),
        from.into(),
        run.last_seq().into(),
        run.preview().into(),
        run.at().into(),
        run.inbound().into(),
        now.into(),
    ];
    Ok(!db.execute(statements::ADVANCE, parameters).await?.is_empty())
}

/// In a transaction; false when there is no such conversation.
pub(super) async fn touch(db: &impl Execute, tenant: &str, run: &Run, now: Micros) -> Result<bool, SqlError> {
    if advance(db, tenant, run, now).await? {
        return Ok(true);
    }
    let parameters = vec![tenant.into(), (&run.conversation_id).into()];
    let rows = db.execute(statements::LAST_SEQ, parameters).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(false) };
    let mut last_seq: u64 = row.take()?;
    for touch in &run.touches {
        if touch.seq > last_seq {
            jump(db, tenant, touch, last_seq, now).await?;
            last_seq = touch.seq;
        } else {
            fill(db, tenant, touch, now).await?;
        }
    }
    Ok(true)
}

/// Forward, over numbers that are still to come.
async fn jump(db: &impl Execute, tenant: &str, touch: &Touch, last_seq: u64, now: Micros) -> Result<(), SqlError> {
    add_gap(db, tenant, &touch.conversation_id, last_seq + 1, touch.seq - 1).await?;
    advance_from(db, tenant, &Run::single(touch), last_seq, now).await.map(|_| ())
}

/// Back, to a number that was jumped over; any other has been counted before.
async fn fill(db: &impl Execute, tenant: &str, touch: &Touch, now: Micros) -> Result<(), SqlError> {
    const REMOVE: &str = "DELETE FROM touch_gaps WHERE tenant_id = ? AND conversation_id = ? AND first_seq = ?";
    let id = &touch.conversation_id;
    let rows = db.execute(statements::GAP, vec![tenant.into(), id.into(), touch.seq.into()]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(()) };
    let (first, last): (u64, u64) = (row.take()?, row.take()?);
    if last < touch.seq {
        return Ok(());
    }
    db.execute(REMOVE, vec![tenant.into(), id.into(), first.into()]).await?;
    add_gap(db, tenant, id, first, touch.seq - 1).await?;
    add_gap(db, tenant, id, touch.seq + 1, last).await?;
    let inbound = u64::from(touch.inbound);
    let parameters = vec![tenant.into(), id.into(), touch.at.into(), inbound.into(), now.into()];
    db.execute(statements::FILL, parameters).await.map(|_| ())
}

/// Nothing when the range is empty.
async fn add_gap(db: &impl Execute, tenant: &str, id: &str, first: u64, last: u64) -> Result<(), SqlError> {
    const ADD: &str = "INSERT INTO touch_gaps (tenant_id, conversation_id, first_seq, last_seq) VALUES (?, ?, ?, ?)";
    if first > last {
        return Ok(());
    }
    db.execute(ADD, vec![tenant.into(), id.into(), first.into(), last.into()]).await.map(|_| ())
}
