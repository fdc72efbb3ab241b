//! The tables, in SQL: notifications, endpoints, deliveries with their attempts, and what is forgotten when.

pub mod deliveries;
pub mod endpoints;
pub mod erased;
pub mod forgetting;
pub mod notifications;
pub mod sweep;

use sdk::{event, idempotency, sql::Migration};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_notifications.sql")),
    Migration::new(2, include_str!("../migrations/0002_webhooks.sql")),
    Migration::new(3, idempotency::MIGRATION),
    Migration::new(4, event::CONSUMED_MIGRATION),
    Migration::new(5, include_str!("../migrations/0005_subjects.sql")),
    Migration::new(6, include_str!("../migrations/0006_clocks_and_ages.sql")),
];

/// After every UUID: where a list that is read backwards begins.
pub const NEWEST: &str = "~";

/// The statements whose plan a test reads.
pub mod statements {
    pub use super::{
        deliveries::statements as deliveries, endpoints::statements as endpoints, forgetting::statements as forgetting,
        notifications::statements as notifications, sweep::statements as sweep,
    };
}
