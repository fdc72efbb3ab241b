//! The tables, in SQL: uploads in their pieces, contents that are shared, and the attachments that show them.

pub mod media;
pub mod uploads;
pub mod usage;

use sdk::{
    erase::{IDEMPOTENCY, Table},
    idempotency,
    sql::Migration,
};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_media.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, include_str!("../migrations/0003_objects.sql")),
    Migration::new(4, include_str!("../migrations/0004_usage.sql")),
];

/// What goes when a tenant is deleted, once its files have.
pub const ERASED: &[Table] = &[Table::new("usage", "tenant_id"), IDEMPOTENCY];

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{media::statements as media, uploads::statements as uploads, usage::statements as usage};
}
