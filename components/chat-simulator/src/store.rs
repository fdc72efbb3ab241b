//! The tables, in SQL.

pub mod personas;

use sdk::{idempotency, sql::Migration};

pub const MIGRATIONS: &[Migration] =
    &[Migration::new(1, include_str!("../migrations/0001_personas.sql")), Migration::new(2, idempotency::MIGRATION)];

/// After every UUID: where a list that is read backwards begins.
pub const NEWEST: &str = "~";
