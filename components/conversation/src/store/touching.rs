//! Touches in SQL: the conversation moves forward only, and each sequence number counts once, in whatever order they come.

use sdk::{
    Context, Micros, outbox,
    sql::{self, Execute, SqlError, Value},
};

use super::conversation;
use crate::{
    domain::Status,
    events,
    touch::{LATE, Rewording, Run, Touch},
};

macro_rules! advance {
    ($unless:literal) => {
        concat!(
            "UPDATE conversations SET last_seq = ?4, \
             last_message_preview = CASE WHEN ?6 >= coalesce(last_message_at, ?6) - ?9 THEN ?5 ELSE last_message_preview END, \
             preview_seq = CASE WHEN ?6 >= coalesce(last_message_at, ?6) - ?9 THEN ?10 ELSE preview_seq END, \
             reworded_at = CASE WHEN ?6 >= coalesce(last_message_at, ?6) - ?9 THEN NULL ELSE reworded_at END, \
             last_message_at = max(coalesce(last_message_at, ?6), ?6), \
             activity_at = max(coalesce(last_message_at, ?6), ?6), unread_count = unread_count + ?7, \
             status = CASE WHEN ?7 > 0 AND status = 'closed' THEN 'open' ELSE status END, updated_at = max(updated_at + 1, ?8) \
             WHERE tenant_id = ?1 AND id = ?2 AND last_seq = ?3 ",
            $unless,
            "RETURNING id"
        )
    };
}

pub mod statements {
    /// Applies only to the run that follows the last message: `?3` is the number before the run's first.
    pub const ADVANCE: &str = advance!("");
    /// The same, unless it would open the conversation, which is an event and so takes a transaction.
    pub const ADVANCE_SILENTLY: &str = advance!("AND (?7 = 0 OR status <> 'closed') ");
    /// A message from before the last one: it counts, but what is shown stays, unless that one came late.
    pub const FILL: &str = "UPDATE conversations SET \
         last_message_preview = CASE WHEN ?3 > last_message_at + ?6 THEN ?7 ELSE last_message_preview END, \
         reworded_at = CASE WHEN ?3 > last_message_at + ?6 THEN NULL ELSE reworded_at END, \
         preview_seq = CASE WHEN ?3 > last_message_at + ?6 THEN ?8 ELSE preview_seq END, \
         last_message_at = max(last_message_at, ?3), \
         activity_at = max(activity_at, ?3), unread_count = unread_count + ?4, \
         status = CASE WHEN ?4 > 0 AND status = 'closed' THEN 'open' ELSE status END, updated_at = max(updated_at + 1, ?5) \
         WHERE tenant_id = ?1 AND id = ?2";
    pub const REWORD: &str = "UPDATE conversations SET last_message_preview = ?4, reworded_at = ?5, updated_at = max(updated_at + 1, ?6) \
         WHERE tenant_id = ?1 AND id = ?2 AND preview_seq = ?3 AND (reworded_at IS NULL OR reworded_at < ?5)";
    pub const STATE: &str = "SELECT last_seq, status FROM conversations WHERE tenant_id = ?1 AND id = ?2";
    pub const GAP: &str = "SELECT first_seq, last_seq FROM touch_gaps WHERE tenant_id = ?1 AND conversation_id = ?2 \
         AND first_seq <= ?3 ORDER BY first_seq DESC LIMIT 1";
}

/// Whether the run followed the last message and opened nothing, so that all of it is done.
pub(super) async fn advance(db: &impl Execute, tenant: &str, run: &Run, now: Micros) -> Result<bool, SqlError> {
    let parameters = advancing(tenant, run, run.first_seq().saturating_sub(1), now);
    Ok(!db.execute(statements::ADVANCE_SILENTLY, parameters).await?.is_empty())
}

fn advancing(tenant: &str, run: &Run, from: u64, now: Micros) -> Vec<Value> {
    vec![
        tenant.into(),
        (&run.conversation_id).into(),
        from.into(),
        run.last_seq().into(),
        run.shown().preview.as_str().into(),
        run.at().into(),
        run.inbound().into(),
        now.into(),
        LATE.into(),
        run.shown().seq.into(),
    ]
}

pub(super) async fn reword(
    db: &impl Execute,
    tenant: &str,
    rewording: &Rewording,
    now: Micros,
) -> Result<(), SqlError> {
    let Rewording { conversation_id, seq, preview, changed_at } = rewording;
    let parameters =
        vec![tenant.into(), conversation_id.into(), (*seq).into(), preview.into(), (*changed_at).into(), now.into()];
    db.execute(statements::REWORD, parameters).await.map(|_| ())
}

/// In a transaction; false when there is no such conversation.
pub(super) async fn touch(db: &impl Execute, context: &Context, run: &Run, now: Micros) -> Result<bool, SqlError> {
    let tenant = context.tenant.as_str();
    let parameters = vec![tenant.into(), (&run.conversation_id).into()];
    let rows = db.execute(statements::STATE, parameters).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(false) };
    let (last_seq, status) = (row.take()?, row.word(Status::parse)?);
    let advance = advancing(tenant, run, run.first_seq().saturating_sub(1), now);
    if db.execute(statements::ADVANCE, advance).await?.is_empty() {
        catch_up(db, tenant, run, last_seq, now).await?;
    }
    if status == Status::Closed {
        tell_reopened(db, context, &run.conversation_id, now).await?;
    }
    Ok(true)
}

/// Only a new message from outside has opened it.
async fn tell_reopened(db: &impl Execute, context: &Context, id: &str, now: Micros) -> Result<(), SqlError> {
    let rows = db.execute(super::statements::BY_ID, vec![(&context.tenant).into(), id.into()]).await?;
    let touched = sql::one(rows, conversation)?.filter(|conversation| conversation.status != Status::Closed);
    let event = touched.map(|conversation| events::updated(context, &conversation, now));
    outbox::append_all(db, event.as_slice()).await
}

/// A run that does not follow the last message, touch by touch.
async fn catch_up(db: &impl Execute, tenant: &str, run: &Run, mut last_seq: u64, now: Micros) -> Result<(), SqlError> {
    for touch in &run.touches {
        if touch.seq > last_seq {
            jump(db, tenant, touch, last_seq, now).await?;
            last_seq = touch.seq;
        } else {
            fill(db, tenant, touch, now).await?;
        }
    }
    Ok(())
}

/// Forward, over numbers that are still to come.
async fn jump(db: &impl Execute, tenant: &str, touch: &Touch, last_seq: u64, now: Micros) -> Result<(), SqlError> {
    add_gap(db, tenant, &touch.conversation_id, last_seq + 1, touch.seq - 1).await?;
    db.execute(statements::ADVANCE, advancing(tenant, &Run::single(touch), last_seq, now)).await.map(|_| ())
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
    let (at, preview) = (touch.at.into(), touch.preview.as_str().into());
    let parameters =
        vec![tenant.into(), id.into(), at, inbound.into(), now.into(), LATE.into(), preview, touch.seq.into()];
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
