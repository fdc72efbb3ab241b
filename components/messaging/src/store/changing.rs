//! Changes by hand: what was before, the change and its event are one transaction.

use sdk::{
    Context, Micros, outbox,
    sql::{Execute, SqlError},
};

use super::{columns, message, statements::BY_ID};
use crate::{
    delivery::check_retry,
    domain::{Changes, Error, Message, check_change},
    events,
    media::{self, MediaChange},
};

pub mod statements {
    use super::columns;

    /// Its old id at the provider is forgotten: what is reported of that one is not about this attempt.
    pub const REQUEUE: &str = concat!(
        "UPDATE messages SET status = 'queued', external_message_id = NULL, metadata = json_remove(metadata, '$.failure'), \
         updated_at = max(updated_at + 1, ?3) WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        columns!()
    );
    pub const SET_MEDIA: &str = concat!(
        "UPDATE messages SET media_id = ?3, metadata = ?4, updated_at = max(updated_at + 1, ?5) \
         WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        columns!()
    );
    pub const CHANGE: &str = concat!(
        "UPDATE messages SET body = coalesce(?3, body), status = coalesce(?4, status), updated_at = max(updated_at + 1, ?5) \
         WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        columns!()
    );
}

/// What is known of its media changes nothing that anybody said: no history.
pub(super) async fn set_media(
    db: &impl Execute,
    context: &Context,
    change: &MediaChange,
    now: Micros,
) -> Result<Message, Error> {
    let tenant = context.tenant.as_str();
    let rows = db.execute(BY_ID, vec![tenant.into(), (&change.message_id).into()]).await?;
    let before = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    let Some(changed) = media::changed(&before, change)? else { return Ok(before) };
    let parameters =
        vec![tenant.into(), (&before.id).into(), changed.media_id.into(), changed.metadata.into(), now.into()];
    let rows = db.execute(statements::SET_MEDIA, parameters).await?;
    let after = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    outbox::append_all(db, &[events::edited(context, &after, now)]).await?;
    Ok(after)
}

pub(super) async fn change(
    db: &impl Execute,
    context: &Context,
    id: &str,
    changes: &Changes,
    now: Micros,
) -> Result<Message, Error> {
    let tenant = context.tenant.as_str();
    let rows = db.execute(BY_ID, vec![tenant.into(), id.into()]).await?;
    let before = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    check_change(&before, changes)?;
    let is_edit = changes.body.is_some() && changes.body != before.body;
    let is_progress = changes.status.is_some_and(|status| status != before.status);
    if !is_edit && !is_progress {
        return Ok(before);
    }
    remember(db, context, &before, now).await?;
    let (body, status) = (changes.body.as_deref(), changes.status.map(|status| status.as_str()));
    let parameters = vec![tenant.into(), id.into(), body.into(), status.into(), now.into()];
    let rows = db.execute(statements::CHANGE, parameters).await?;
    let after = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    let edited = is_edit.then(|| events::edited(context, &after, now));
    let progressed = is_progress.then(|| events::progressed(context, &after, now));
    let events: Vec<_> = edited.into_iter().chain(progressed).collect();
    outbox::append_all(db, &events).await?;
    Ok(after)
}

/// Queues again what failed or is unknown.
pub(super) async fn requeue(db: &impl Execute, context: &Context, id: &str, now: Micros) -> Result<Message, Error> {
    let tenant = context.tenant.as_str();
    let rows = db.execute(BY_ID, vec![tenant.into(), id.into()]).await?;
    let before = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    check_retry(&before)?;
    remember(db, context, &before, now).await?;
    let rows = db.execute(statements::REQUEUE, vec![tenant.into(), id.into(), now.into()]).await?;
    let queued = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    outbox::append_all(db, &[events::progressed(context, &queued, now)]).await?;
    Ok(queued)
}

async fn remember(db: &impl Execute, context: &Context, before: &Message, now: Micros) -> Result<(), SqlError> {
    const INSERT: &str = "INSERT INTO message_history (tenant_id, message_id, version, body, status, principal, changed_at) \
                          VALUES (?1, ?2, (SELECT coalesce(max(version), 0) + 1 FROM message_history \
                          WHERE tenant_id = ?1 AND message_id = ?2), ?3, ?4, ?5, ?6)";
    let parameters = vec![
        (&context.tenant).into(),
        (&before.id).into(),
        before.body.as_deref().into(),
        before.status.as_str().into(),
        (&context.principal).into(),
        now.into(),
    ];
    db.execute(INSERT, parameters).await.map(|_| ())
}
