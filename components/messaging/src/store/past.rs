//! A message's past in SQL: what it was before each change, what was reported of it, and its place in the conversation.

use sdk::sql::{Row, SqlError};

use crate::{
    domain::Status,
    history::{Reported, Version},
    reading::Place,
};

pub mod statements {
    pub const VERSIONS: &str = "SELECT version, body, status, principal, changed_at FROM message_history \
         WHERE tenant_id = ?1 AND message_id = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4";
    /// Under the id that the provider knows it by now.
    pub const REPORTED: &str = "SELECT status, at, external_message_id, details, created_at FROM receipts \
         WHERE tenant_id = ?1 AND channel_account_id = ?2 AND external_message_id = ?3 LIMIT 1000";
    /// Those that name the message itself under another id: of an earlier attempt to send it.
    pub const REPORTED_BEFORE: &str = "SELECT status, at, external_message_id, details, created_at FROM receipts \
         WHERE tenant_id = ?1 AND message_id = ?2 AND NOT (channel_account_id = ?3 AND external_message_id = ?4) LIMIT 1000";
    pub const PLACE: &str = "SELECT m.conversation_id, m.seq, (SELECT count(*) FROM messages i \
         WHERE i.tenant_id = ?1 AND i.conversation_id = m.conversation_id AND i.direction = 'inbound' AND i.seq <= m.seq) \
         FROM messages m WHERE m.tenant_id = ?1 AND m.id = ?2";
}

pub(super) fn version(mut row: Row) -> Result<Version, SqlError> {
    Ok(Version {
        number: row.take()?,
        body: row.take()?,
        status: row.word(Status::parse)?,
        principal: row.take()?,
        changed_at: row.take()?,
    })
}

pub(super) fn reported(mut row: Row) -> Result<Reported, SqlError> {
    Ok(Reported {
        status: row.take()?,
        at: row.take()?,
        external_message_id: row.take()?,
        details: row.take()?,
        received_at: row.take()?,
    })
}

pub(super) fn place(mut row: Row) -> Result<Place, SqlError> {
    Ok(Place { conversation_id: row.take()?, seq: row.take()?, inbound: row.take()? })
}
