//! What goes when a tenant is deleted.

use sdk::erase::{IDEMPOTENCY, Table};

/// Every table with rows of tenants, in the order in which they go.
pub const ERASED: &[Table] = &[
    Table::new("run_slices", "tenant_id, run_id, position"),
    Table::new("runs", "tenant_id, id"),
    Table::new("emulated_pieces", "tenant_id, upload_id, number"),
    Table::new("emulated_uploads", "tenant_id, id"),
    Table::new("emulated_reports", "tenant_id, message_id, number"),
    Table::new("emulated_messages", "tenant_id, id"),
    Table::new("emulator", "tenant_id"),
    Table::new("conformance", "tenant_id, channel"),
    Table::new("accounts", "tenant_id, channel"),
    Table::new("personas", "tenant_id, id"),
    IDEMPOTENCY,
];
