//! What goes when a tenant is deleted.

use sdk::erase::{REFUSED, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("channel_stops", "tenant_id, channel, channel_account_id"),
    Table::new("deliveries", "tenant_id, event_id"),
    REFUSED,
];
