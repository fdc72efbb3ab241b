//! What goes when a tenant is deleted.

use sdk::erase::{IDEMPOTENCY, REFUSED, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("identities", "tenant_id, channel_account_id, kind, value"),
    Table::new("customers", "tenant_id, id"),
    Table::new("customer_texts", "tenant_id, number"),
    IDEMPOTENCY,
    REFUSED,
];
