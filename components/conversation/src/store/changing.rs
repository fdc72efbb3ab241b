//! Changes by hand and the mark of what is read, each with its event in one transaction.

use sdk::{
    Context, Micros, outbox,
    sql::{Execute, SqlError},
};

use super::{by_id, texts};
use crate::{
    changes::{Changes, Reading, changed},
    domain::{Conversation, Error},
    events,
};

pub mod statements {
    pub const CHANGE: &str = "UPDATE conversations SET status = ?3, subject = ?4, metadata = ?5, updated_at = ?6 \
         WHERE tenant_id = ?1 AND id = ?2";
    /// Forward only.
    pub const READ: &str = "UPDATE conversations SET read_seq = ?3, read_inbound = max(read_inbound, ?4), \
         updated_at = max(updated_at + 1, ?5) WHERE tenant_id = ?1 AND id = ?2 AND read_seq < ?3 RETURNING id";
    /// Something of it changed that is kept elsewhere.
    pub const VERSION: &str =
        "UPDATE conversations SET updated_at = max(updated_at + 1, ?3) WHERE tenant_id = ?1 AND id = ?2";
}

pub(super) async fn change(
    db: &impl Execute,
    context: &Context,
    id: &str,
    changes: &Changes,
    now: Micros,
) -> Result<Conversation, Error> {
    let before = by_id(db, &context.tenant, id).await?;
    let Some(after) = changed(&before, changes, now)? else { return Ok(before) };
    let parameters = vec![
        context.tenant.as_str().into(),
        id.into(),
        after.status.as_str().into(),
        after.subject.as_deref().into(),
        after.metadata.as_str().into(),
        after.updated_at.into(),
    ];
    db.execute(statements::CHANGE, parameters).await?;
    if after.subject != before.subject {
        texts::replace(db, &context.tenant, id, after.subject.as_deref()).await?;
    }
    outbox::append_all(db, &[events::updated(context, &after, now)]).await?;
    Ok(after)
}

pub(super) async fn read(
    db: &impl Execute,
    context: &Context,
    reading: &Reading,
    now: Micros,
) -> Result<Conversation, Error> {
    let parameters = vec![
        context.tenant.as_str().into(),
        reading.conversation_id.as_str().into(),
        reading.seq.into(),
        reading.inbound.into(),
        now.into(),
    ];
    let has_moved = !db.execute(statements::READ, parameters).await?.is_empty();
    let conversation = by_id(db, &context.tenant, &reading.conversation_id).await?;
    if has_moved {
        outbox::append_all(db, &[events::updated(context, &conversation, now)]).await?;
    }
    Ok(conversation)
}

/// Its new version, with the event that tells of it.
pub(super) async fn tell_changed(db: &impl Execute, context: &Context, id: &str, now: Micros) -> Result<(), Error> {
    let parameters = vec![context.tenant.as_str().into(), id.into(), now.into()];
    db.execute(statements::VERSION, parameters).await?;
    let conversation = by_id(db, &context.tenant, id).await?;
    let told: Result<(), SqlError> = outbox::append_all(db, &[events::updated(context, &conversation, now)]).await;
    Ok(told?)
}
