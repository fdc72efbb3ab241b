//! Storing messages: the number is allocated and the duplicate found inside the insert; the event goes with it.

use sdk::{
    Context, Event, Micros, ids,
    merge::merged,
    outbox,
    sql::{Execute, SqlError, Value},
};

use super::{columns, message};
use crate::{
    delivery::Failure,
    domain::{Direction, Inserted, Message, NewMessage, Status, first_status},
    events, receipts,
};

pub mod statements {
    use super::columns;

    pub const BY_EXTERNAL_ID: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND coalesce(channel_account_id, '') = ?2 AND direction = ?3 \
         AND external_message_id = ?4"
    );
    pub const BY_CLIENT_REF: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2 AND client_ref = ?3"
    );
    /// A message with its event, unless one of its names is taken; then it answers nothing. The numbers and the names are looked
    /// at by the only writer, so what they say is still true when the row is written; the unique indexes guard it.
    pub const INSERT: &str = concat!(
        "INSERT INTO messages_with_events (tenant_id, ",
        columns!(),
        ", event_id, event_type, event) SELECT ?1, ?2, ?3, \
         (SELECT coalesce(max(seq), 0) + 1 FROM messages WHERE tenant_id = ?1 AND conversation_id = ?3), \
         ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, ?17, ?18, ?19 \
         WHERE NOT EXISTS (SELECT 1 FROM messages WHERE tenant_id = ?1 \
         AND coalesce(channel_account_id, '') = coalesce(?10, '') AND direction = ?5 AND external_message_id = ?11) \
         AND NOT EXISTS (SELECT 1 FROM messages WHERE tenant_id = ?1 AND conversation_id = ?3 AND client_ref = ?12) \
         RETURNING seq"
    );
    pub const RECEIPTS: &str = "SELECT status, details FROM receipts WHERE tenant_id = ?1 AND channel_account_id = ?2 \
                                AND external_message_id = ?3";
}

/// Whether storing it needs no transaction: nothing is read that must still be true at the write.
pub(super) fn is_one_statement(new: &NewMessage) -> bool {
    !may_have_receipts(new.direction, new.external_message_id.as_deref())
}

/// In a transaction, unless it is a single message that [`is_one_statement`].
pub(super) async fn insert(
    db: &impl Execute,
    context: &Context,
    new: &[NewMessage],
    now: Micros,
) -> Result<Vec<Inserted>, SqlError> {
    let mut inserted = Vec::with_capacity(new.len());
    for new in new {
        inserted.push(insert_one(db, context, new, now).await?);
    }
    Ok(inserted)
}

pub(super) async fn insert_one(
    db: &impl Execute,
    context: &Context,
    new: &NewMessage,
    now: Micros,
) -> Result<Inserted, SqlError> {
    let mut message = as_stored(new, now);
    fold_receipts(db, &context.tenant, &mut message).await?;
    let event = events::stored(context, &message, now);
    let rows = db.execute(statements::INSERT, parameters(&context.tenant, &message, &event)?).await?;
    if let Some(mut row) = rows.into_iter().next() {
        message.seq = row.take()?;
        return Ok(Inserted { message, duplicate: false });
    }
    // What is in the way is never deleted.
    let existing = existing(db, &context.tenant, new).await?;
    let message = existing.ok_or_else(|| SqlError::Row("the message in the way is gone".to_owned()))?;
    Ok(Inserted { message, duplicate: true })
}

/// As it will be, but for its number.
fn as_stored(new: &NewMessage, now: Micros) -> Message {
    let NewMessage { conversation_id, sender_customer_id, direction, body, content_type, media_id, .. } = new.clone();
    let NewMessage { channel, channel_account_id, external_message_id, client_ref, metadata, .. } = new.clone();
    Message {
        id: ids::new(),
        conversation_id,
        seq: 0,
        sender_customer_id,
        direction,
        body,
        content_type,
        media_id,
        channel,
        channel_account_id,
        external_message_id,
        client_ref,
        status: first_status(new),
        sent_at: new.sent_at.unwrap_or(now),
        metadata,
        created_at: now,
        updated_at: now,
    }
}

/// Only what went out has receipts.
fn may_have_receipts(direction: Direction, external_id: Option<&str>) -> bool {
    direction == Direction::Outbound && external_id.is_some()
}

/// Receipts may have come before their message.
async fn fold_receipts(db: &impl Execute, tenant: &str, message: &mut Message) -> Result<(), SqlError> {
    let external_id = message.external_message_id.as_deref();
    if !may_have_receipts(message.direction, external_id) {
        return Ok(());
    }
    let account = message.channel_account_id.as_deref().unwrap_or_default();
    let (status, failure) = reported(db, tenant, account, external_id.unwrap_or_default(), message.status).await?;
    message.status = status;
    if let Some(failure) = failure {
        let patch = format!(r#"{{"failure":{}}}"#, failure.to_json());
        message.metadata = merged("metadata", &message.metadata, &patch).unwrap_or_else(|_| message.metadata.clone());
    }
    Ok(())
}

/// The status that follows from what was reported under this id, at least `first`, and why when it is a failure.
pub(super) async fn reported(
    db: &impl Execute,
    tenant: &str,
    account: &str,
    external_id: &str,
    first: Status,
) -> Result<(Status, Option<Failure>), SqlError> {
    let rows = db.execute(statements::RECEIPTS, vec![tenant.into(), account.into(), external_id.into()]).await?;
    let told = |mut row: sdk::sql::Row| Ok((row.take()?, row.take()?));
    let told = rows.into_iter().map(told).collect::<Result<Vec<(String, String)>, SqlError>>()?;
    let status = receipts::fold(first, told.iter().map(|(word, _)| word.as_str()));
    let failed = told.iter().filter(|(word, _)| status == Status::Failed && receipts::status_of(word) == Some(status));
    let failure = failed.filter_map(|(_, details)| Failure::of(&serde_json::from_str(details).ok()?)).next();
    Ok((status, failure))
}

fn parameters(tenant: &str, message: &Message, event: &Event) -> Result<Vec<Value>, SqlError> {
    Ok(vec![
        tenant.into(),
        (&message.id).into(),
        (&message.conversation_id).into(),
        message.sender_customer_id.as_deref().into(),
        message.direction.as_str().into(),
        message.body.as_deref().into(),
        (&message.content_type).into(),
        message.media_id.as_deref().into(),
        message.channel.as_deref().into(),
        message.channel_account_id.as_deref().into(),
        message.external_message_id.as_deref().into(),
        message.client_ref.as_deref().into(),
        message.status.as_str().into(),
        message.sent_at.into(),
        (&message.metadata).into(),
        message.created_at.into(),
        event.id.as_str().into(),
        event.kind.into(),
        outbox::encoded(event)?,
    ])
}

pub(super) async fn by_external_id(
    db: &impl Execute,
    tenant: &str,
    account: &str,
    direction: Direction,
    external_id: &str,
) -> Result<Option<Message>, SqlError> {
    let parameters = vec![tenant.into(), account.into(), direction.as_str().into(), external_id.into()];
    let rows = db.execute(statements::BY_EXTERNAL_ID, parameters).await?;
    rows.into_iter().next().map(message).transpose()
}

/// The message in the way.
async fn existing(db: &impl Execute, tenant: &str, new: &NewMessage) -> Result<Option<Message>, SqlError> {
    if let Some(external_id) = &new.external_message_id {
        let account = new.channel_account_id.as_deref().unwrap_or_default();
        let found = by_external_id(db, tenant, account, new.direction, external_id).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let Some(client_ref) = &new.client_ref else { return Ok(None) };
    let parameters = vec![tenant.into(), (&new.conversation_id).into(), client_ref.into()];
    let rows = db.execute(statements::BY_CLIENT_REF, parameters).await?;
    rows.into_iter().next().map(message).transpose()
}
