//! What goes when a tenant is deleted.

use sdk::erase::{CONSUMED, IDEMPOTENCY, REFUSED, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("answer_routes", "tenant_id, answers_to"),
    Table::new("touch_gaps", "tenant_id, conversation_id, first_seq"),
    Table::new("participants", "tenant_id, conversation_id, id"),
    Table::new("conversation_texts", "tenant_id, number"),
    Table::new("conversations", "tenant_id, id"),
    IDEMPOTENCY,
    CONSUMED,
    REFUSED,
];
