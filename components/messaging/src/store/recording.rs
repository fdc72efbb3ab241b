//! Receipts in SQL: added once each, and the message moves forward when it is known.

use sdk::{
    Context, Micros, outbox,
    sql::{self, Execute, SqlError},
};

use super::{columns, delivering, message};
use crate::{
    domain::{Message, Status},
    events,
    receipts::{Outcome, Receipt},
};

pub mod statements {
    use super::columns;

    /// `?5`: the statuses that the new one wins over; `?7`: why it failed. What is over is forgotten.
    pub const PROGRESS: &str = concat!(
        "UPDATE messages SET status = ?4, updated_at = max(updated_at + 1, ?6), metadata = CASE \
         WHEN ?7 IS NOT NULL THEN json_set(metadata, '$.failure', json(?7)) \
         WHEN status IN ('failed', 'unknown') THEN json_remove(metadata, '$.failure') ELSE metadata END \
         WHERE tenant_id = ?1 \
         AND coalesce(channel_account_id, '') = ?2 AND direction = 'outbound' AND external_message_id = ?3 \
         AND status IN (SELECT value FROM json_each(?5)) RETURNING ",
        columns!()
    );
    pub const IS_KNOWN: &str = "SELECT 1 FROM messages WHERE tenant_id = ?1 AND coalesce(channel_account_id, '') = ?2 \
                                AND direction = 'outbound' AND external_message_id = ?3";
}

/// In a transaction.
pub(super) async fn record(
    db: &impl Execute,
    context: &Context,
    receipts: &[Receipt],
    now: Micros,
) -> Result<Vec<Outcome>, SqlError> {
    let (mut outcomes, mut events) = (Vec::with_capacity(receipts.len()), Vec::new());
    for receipt in receipts {
        if !add(db, &context.tenant, receipt, now).await? {
            outcomes.push(Outcome::Duplicate);
            continue;
        }
        let mut progressed = progress(db, &context.tenant, receipt, now).await?;
        let is_known = progressed.is_some() || is_known(db, &context.tenant, receipt).await?;
        if !is_known {
            progressed = delivering::adopt(db, &context.tenant, receipt, now).await?;
        }
        outcomes.push(if is_known || progressed.is_some() { Outcome::Accepted } else { Outcome::Waiting });
        events.extend(progressed.map(|message| events::progressed(context, &message, now)));
    }
    outbox::append_all(db, &events).await?;
    Ok(outcomes)
}

/// False when the same status of the same message was there.
async fn add(db: &impl Execute, tenant: &str, receipt: &Receipt, now: Micros) -> Result<bool, SqlError> {
    const INSERT: &str = "INSERT INTO receipts (tenant_id, channel_account_id, external_message_id, status, at, details, \
                          created_at, message_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1";
    let Receipt { channel_account_id, external_message_id, status, at, details } = receipt;
    let parameters = vec![
        tenant.into(),
        channel_account_id.into(),
        external_message_id.into(),
        status.into(),
        (*at).into(),
        details.into(),
        now.into(),
        receipt.message_id().into(),
    ];
    Ok(!db.execute(INSERT, parameters).await?.is_empty())
}

/// The message with its new status, when it has one.
async fn progress(
    db: &impl Execute,
    tenant: &str,
    receipt: &Receipt,
    now: Micros,
) -> Result<Option<Message>, SqlError> {
    let Some(status) = receipt.shown() else { return Ok(None) };
    let lesser: Vec<_> = Status::ALL.iter().filter(|s| **s < status).map(|s| s.as_str()).collect();
    let parameters = vec![
        tenant.into(),
        (&receipt.channel_account_id).into(),
        (&receipt.external_message_id).into(),
        status.as_str().into(),
        sql::list(&lesser)?,
        now.into(),
        receipt.failure().map(|failure| failure.to_json()).into(),
    ];
    let rows = db.execute(statements::PROGRESS, parameters).await?;
    rows.into_iter().next().map(message).transpose()
}

async fn is_known(db: &impl Execute, tenant: &str, receipt: &Receipt) -> Result<bool, SqlError> {
    let parameters = vec![tenant.into(), (&receipt.channel_account_id).into(), (&receipt.external_message_id).into()];
    Ok(!db.execute(statements::IS_KNOWN, parameters).await?.is_empty())
}
