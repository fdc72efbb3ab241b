//! What answering a customer needs to know, in SQL.

use sdk::sql::{self, Execute, Row, SqlError};
use serde_json::json;

use crate::{
    answering::{Party, Recent},
    domain::Direction,
};

pub mod statements {
    /// `?2`: a list of `[account, customer]`. When each was heard last, and no later than that was stored.
    pub const LAST_HEARD: &str = "SELECT (SELECT min(m.sent_at, m.created_at) FROM messages m INDEXED BY messages_heard_from \
         WHERE m.tenant_id = ?1 AND m.channel_account_id = json_extract(j.value, '$[0]') \
         AND m.sender_customer_id = json_extract(j.value, '$[1]') AND m.direction = 'inbound' ORDER BY m.sent_at DESC LIMIT 1) \
         FROM json_each(?2) j";
    /// Of the conversation's last 200: where several accounts speak in one, a few of each are enough.
    pub const RECENT: &str = "SELECT id, seq, direction, content_type, external_message_id, \
         json_remove(metadata, '$.html', '$.raw', '$.attachments', '$.headers') \
         FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2 \
         AND seq > (SELECT coalesce(max(seq), 0) FROM messages WHERE tenant_id = ?1 AND conversation_id = ?2) - 200 \
         AND channel_account_id = ?3 ORDER BY seq DESC LIMIT ?4";
}

/// In the order of the parties.
pub(super) async fn last_heard(
    db: &impl Execute,
    tenant: &str,
    parties: &[&Party],
) -> Result<Vec<Option<sdk::Micros>>, SqlError> {
    let list: Vec<_> = parties.iter().map(|party| json!([party.channel_account_id, party.customer_id])).collect();
    let rows = db.execute(statements::LAST_HEARD, vec![tenant.into(), sql::list(&list)?]).await?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

pub(super) fn recent(mut row: Row) -> Result<Recent, SqlError> {
    Ok(Recent {
        id: row.take()?,
        seq: row.take()?,
        direction: row.word(Direction::parse)?,
        content_type: row.take()?,
        external_message_id: row.take()?,
        metadata: row.take()?,
    })
}
