//! The tables, in SQL.

pub mod accounts;
pub mod conformance;
pub mod emulated;
pub mod erased;
pub mod personas;
pub mod runs;
pub mod sweep;
pub mod uploads;

use sdk::{idempotency, sql::Migration};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_personas.sql")),
    Migration::new(2, idempotency::MIGRATION),
    Migration::new(3, include_str!("../migrations/0003_emulator.sql")),
    Migration::new(4, include_str!("../migrations/0004_runs.sql")),
    Migration::new(5, include_str!("../migrations/0005_conformance.sql")),
    Migration::new(6, include_str!("../migrations/0006_run_ends.sql")),
    Migration::new(7, include_str!("../migrations/0007_accounts.sql")),
    Migration::new(8, include_str!("../migrations/0008_uploads.sql")),
    Migration::new(9, include_str!("../migrations/0009_messages_to.sql")),
];

/// After every UUID: where a list that is read backwards begins.
pub const NEWEST: &str = "~";
