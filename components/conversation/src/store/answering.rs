//! Where answers arrive, in SQL.

use sdk::{
    Context, Micros,
    sql::{self, Execute, SqlError},
};

use super::changing::tell_changed;
use crate::domain::{Conversation, Error, NewConversation};

pub mod statements {
    /// `?3`: the customer on the account. The conversation's own key, and where that customer's messages arrive now, if not there.
    pub const ROUTE: &str = "SELECT c.direct_key, (SELECT r.direct_key FROM answer_routes r \
         WHERE r.tenant_id = ?1 AND r.answers_to = ?3) FROM conversations c WHERE c.tenant_id = ?1 AND c.id = ?2";
    pub const UNROUTE: &str = "DELETE FROM answer_routes WHERE tenant_id = ?1 AND answers_to = ?2";
    /// One that was opened on no channel is on this one from now on: so a reply in it finds its way.
    pub const ADOPT_CHANNEL: &str = "UPDATE conversations SET channel = ?3, channel_account_id = ?4 \
         WHERE tenant_id = ?1 AND id = ?2 AND channel IS NULL RETURNING 1";
}

/// What is to be written.
enum Change {
    /// Its messages arrive in their own direct conversation again.
    Away,
    To(String),
}

/// `None` when they arrive there already.
async fn change(
    db: &impl Execute,
    tenant: &str,
    conversation_id: &str,
    answers_to: &str,
) -> Result<Option<Change>, SqlError> {
    let parameters = vec![tenant.into(), conversation_id.into(), answers_to.into()];
    let read =
        |mut row: sql::Row| -> Result<(Option<String>, Option<String>), SqlError> { Ok((row.take()?, row.take()?)) };
    let found = sql::one(db.execute(statements::ROUTE, parameters).await?, read)?;
    let Some((Some(own), routed)) = found else { return Ok(None) };
    Ok(match routed {
        Some(routed) if routed == own => None,
        Some(_) if own == answers_to => Some(Change::Away),
        None if own == answers_to => None,
        _ => Some(Change::To(own)),
    })
}

/// In a transaction.
pub(super) async fn route(
    db: &impl Execute,
    context: &Context,
    conversation: &Conversation,
    direct: &NewConversation,
    now: Micros,
) -> Result<(), Error> {
    const UPSERT: &str = "INSERT INTO answer_routes (tenant_id, answers_to, direct_key) VALUES (?1, ?2, ?3) \
                          ON CONFLICT (tenant_id, answers_to) DO UPDATE SET direct_key = excluded.direct_key";
    let tenant = context.tenant.as_str();
    let answers_to = direct.direct_key().ok_or_else(|| Error::Internal("answers without a customer".to_owned()))?;
    match change(db, tenant, &conversation.id, &answers_to).await? {
        None => {}
        Some(Change::Away) => {
            db.execute(statements::UNROUTE, vec![tenant.into(), answers_to.into()]).await?;
        }
        Some(Change::To(key)) => {
            db.execute(UPSERT, vec![tenant.into(), answers_to.into(), key.into()]).await?;
        }
    }
    let parameters = vec![
        tenant.into(),
        (&conversation.id).into(),
        direct.channel.clone().into(),
        direct.channel_account_id.clone().into(),
    ];
    if conversation.channel.is_none() && !db.execute(statements::ADOPT_CHANNEL, parameters).await?.is_empty() {
        tell_changed(db, context, &conversation.id, now).await?;
    }
    Ok(())
}

/// Whether there is nothing to write, which one read says.
pub(super) async fn is_routed(
    db: &impl Execute,
    tenant: &str,
    conversation: &Conversation,
    direct: &NewConversation,
) -> Result<bool, SqlError> {
    let Some(answers_to) = direct.direct_key() else { return Ok(false) };
    Ok(conversation.channel.is_some() && change(db, tenant, &conversation.id, &answers_to).await?.is_none())
}
