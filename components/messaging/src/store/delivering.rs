//! Deliveries in SQL: how the handing over ended, and receipts that name the message itself.

use sdk::{
    Context, Micros, outbox,
    sql::{Execute, SqlError},
};

use super::{columns, inserting, message, statements::BY_ID};
use crate::{
    delivery::{Delivery, Ended, Failure},
    domain::{Direction, Error, Message, Status, invalid},
    events,
    receipts::Receipt,
};

pub mod statements {
    use super::columns;

    /// `?4`: the provider's id, `?5` and `?6`: channel and account for a message that names none, `?7`: why it failed.
    pub const DELIVERED: &str = concat!(
        "UPDATE messages SET status = ?3, external_message_id = coalesce(?4, external_message_id), \
         channel = coalesce(channel, ?5), channel_account_id = coalesce(channel_account_id, ?6), \
         metadata = CASE WHEN ?7 IS NOT NULL THEN json_set(metadata, '$.failure', json(?7)) \
         ELSE json_remove(metadata, '$.failure') END, updated_at = max(updated_at + 1, ?8) WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        columns!()
    );
    /// The id under which a provider reported this message before we knew it.
    pub const EXTERNAL_ID_OF: &str = "SELECT external_message_id FROM receipts WHERE tenant_id = ?1 AND message_id = ?2 \
                                      AND channel_account_id = ?3 LIMIT 1";
    /// A message whose sending nobody knows the end of takes the id that the provider names with it. One that is queued (again)
    /// does not take an old attempt's failure.
    pub const ADOPT: &str = concat!(
        "UPDATE messages SET status = ?4, external_message_id = ?3, channel_account_id = ?5, \
         metadata = CASE WHEN ?6 IS NOT NULL THEN json_set(metadata, '$.failure', json(?6)) \
         ELSE json_remove(metadata, '$.failure') END, updated_at = max(updated_at + 1, ?7) \
         WHERE tenant_id = ?1 AND id = ?2 AND direction = 'outbound' AND external_message_id IS NULL \
         AND coalesce(channel_account_id, ?5) = ?5 AND (status = 'unknown' OR (status = 'queued' AND ?4 <> 'failed')) RETURNING ",
        columns!()
    );
}

/// In a transaction.
pub(super) async fn deliver(
    db: &impl Execute,
    context: &Context,
    delivery: &Delivery,
    now: Micros,
) -> Result<Message, Error> {
    let parameters = vec![context.tenant.as_str().into(), delivery.message_id.as_str().into()];
    let rows = db.execute(BY_ID, parameters).await?;
    let before = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    if before.direction != Direction::Outbound {
        return Err(invalid("message_id", "is not of an outbound message"));
    }
    let Some(step) = step(db, &context.tenant, delivery, &before).await? else { return Ok(before) };
    let parameters = vec![
        context.tenant.as_str().into(),
        before.id.as_str().into(),
        step.status.as_str().into(),
        step.external_id.into(),
        delivery.channel.as_str().into(),
        delivery.channel_account_id.as_str().into(),
        step.failure.map(|failure| failure.to_json()).into(),
        now.into(),
    ];
    let rows = db.execute(statements::DELIVERED, parameters).await?;
    let after = message(rows.into_iter().next().ok_or(Error::NotFound)?)?;
    if after.status != before.status {
        outbox::append_all(db, &[events::progressed(context, &after, now)]).await?;
    }
    Ok(after)
}

/// What is to be written.
struct Step {
    status: Status,
    external_id: Option<String>,
    failure: Option<Failure>,
}

/// `None` when there is nothing to write: it is known, or more is.
async fn step(db: &impl Execute, tenant: &str, delivery: &Delivery, before: &Message) -> Result<Option<Step>, Error> {
    let account = before.channel_account_id.as_deref().unwrap_or(&delivery.channel_account_id);
    match &delivery.ended {
        Ended::Sent(external_id) => sent(db, tenant, account, before, external_id).await,
        Ended::Failed(why) if before.status <= Status::Unknown => Ok(Some(without_id(Status::Failed, why))),
        Ended::Unknown(why) if before.status == Status::Queued => {
            let parameters = vec![tenant.into(), before.id.as_str().into(), account.into()];
            match db.execute(statements::EXTERNAL_ID_OF, parameters).await?.into_iter().next() {
                Some(mut row) => sent(db, tenant, account, before, &row.take::<String>()?).await,
                None => Ok(Some(without_id(Status::Unknown, why))),
            }
        }
        Ended::Failed(_) | Ended::Unknown(_) => Ok(None),
    }
}

fn without_id(status: Status, why: &Failure) -> Step {
    Step { status, external_id: None, failure: Some(why.clone()) }
}

/// Its receipts may have come first.
async fn sent(
    db: &impl Execute,
    tenant: &str,
    account: &str,
    before: &Message,
    external_id: &str,
) -> Result<Option<Step>, Error> {
    match before.external_message_id.as_deref() {
        Some(known) if known == external_id => return Ok(None),
        Some(_) => return Err(Error::Conflict("the message has another id at its provider".to_owned())),
        None => {}
    }
    if inserting::by_external_id(db, tenant, account, Direction::Outbound, external_id).await?.is_some() {
        return Err(Error::Conflict("another message has this id at the provider".to_owned()));
    }
    let (reported, failure) = inserting::reported(db, tenant, account, external_id, Status::Sent).await?;
    // What was queued, unknown or failed here before the provider took it is over: only the provider's reports count.
    let status = if before.status <= Status::Failed { reported } else { reported.max(before.status) };
    Ok(Some(Step { status, external_id: Some(external_id.to_owned()), failure }))
}

/// The message that a receipt names, when the receipt is the first that we hear of it.
pub(super) async fn adopt(
    db: &impl Execute,
    tenant: &str,
    receipt: &Receipt,
    now: Micros,
) -> Result<Option<Message>, SqlError> {
    let Some(message_id) = receipt.message_id() else { return Ok(None) };
    // Even a word that shows nowhere (`queued`, there) says that the provider has the message.
    let status = receipt.shown().unwrap_or(Status::Sent);
    let parameters = vec![
        tenant.into(),
        message_id.into(),
        (&receipt.external_message_id).into(),
        status.as_str().into(),
        (&receipt.channel_account_id).into(),
        receipt.failure().map(|failure| failure.to_json()).into(),
        now.into(),
    ];
    let rows = db.execute(statements::ADOPT, parameters).await?;
    rows.into_iter().next().map(message).transpose()
}
