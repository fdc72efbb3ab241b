//! What goes when a tenant is deleted.

use sdk::erase::{CONSUMED, IDEMPOTENCY, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("webhook_attempts", "tenant_id, endpoint_id, id"),
    Table::new("webhook_deliveries", "tenant_id, endpoint_id, event_id"),
    Table::new("webhook_events", "tenant_id, id"),
    Table::new("webhook_endpoints", "tenant_id, id"),
    Table::new("notifications", "tenant_id, id"),
    IDEMPOTENCY,
    CONSUMED,
];
