//! The tables, in SQL: uploads in their pieces, contents that are shared, and the attachments that show them.

pub mod media;
pub mod uploads;

use sdk::{idempotency, sql::Migration};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_media.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, include_str!("../migrations/0003_objects.sql")),
];

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{media::statements as media, uploads::statements as uploads};
}
