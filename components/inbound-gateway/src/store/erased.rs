//! What goes when a tenant is deleted.

use sdk::erase::{IDEMPOTENCY, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("channel_accounts", "tenant_id, kind, provider_id"),
    Table::new("attachments", "tenant_id, reference"),
    Table::new("webhook_files", "tenant_id, delivery_id, file, number"),
    Table::new("webhook_uploads", "tenant_id, delivery_id"),
    Table::new("webhook_deliveries", "tenant_id, id"),
    IDEMPOTENCY,
];
