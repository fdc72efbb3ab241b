//! What goes when a tenant is deleted.

use sdk::erase::{CONSUMED, IDEMPOTENCY, REFUSED, Table};

/// Out of the index goes what is in it.
pub const REMOVE_WORDS: &str = "\
    DELETE FROM message_words WHERE rowid IN (SELECT rowid FROM messages
    WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM messages WHERE tenant_id = ?1 ORDER BY tenant_id, id LIMIT ?2)
        AND rowid <= (SELECT coalesce(max(indexed_to), 0) FROM message_search_progress))";

/// Numbers of rows that are gone are used again: what takes them must be indexed, too.
pub const SET_BACK: &str = "\
    UPDATE message_search_progress SET indexed_to = min(indexed_to, (SELECT coalesce(max(rowid), 0) FROM messages))
    WHERE ?1 <> '' AND ?2 > 0";

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("receipts", "tenant_id, channel_account_id, external_message_id, status"),
    Table::new("message_history", "tenant_id, message_id, version"),
    Table::new("messages", "tenant_id, id").before(REMOVE_WORDS).after(SET_BACK),
    Table::new("messages_to_index", "tenant_id, number"),
    IDEMPOTENCY,
    CONSUMED,
    REFUSED,
];
