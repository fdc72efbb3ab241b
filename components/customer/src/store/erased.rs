//! What goes when a tenant is deleted.

use sdk::erase::{CONSUMED, IDEMPOTENCY, REFUSED, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("identities", "tenant_id, channel_account_id, kind, value"),
    Table::new("customer_keys", "tenant_id, external_type, key"),
    Table::new("customers", "tenant_id, id"),
    Table::new("customer_texts", "tenant_id, number"),
    Table::new("erasure_counts", "tenant_id, customer_id, service, what"),
    Table::new("erasure_services", "tenant_id, customer_id, service"),
    Table::new("erasures", "tenant_id, customer_id"),
    IDEMPOTENCY,
    CONSUMED,
    REFUSED,
];
