//! The gateway's own tables. SQL is here and in the files below `store/`, nowhere else.

pub mod api_keys;
pub mod attempts;
pub mod erasures;
pub mod logs;
pub mod quotas;
pub mod starts;
mod steps;
pub mod sweeping;
pub mod tenants;
pub mod tokens;
pub mod users;

use sdk::idempotency::Refused;
use sdk::sql::{Migration, SqlError};
use sdk::{Context, Problem, log};

pub const LABEL: &str = "api-gateway";

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_api_keys.sql")),
    Migration::new(2, include_str!("../migrations/0002_tenants_and_users.sql")),
    Migration::new(3, sdk::idempotency::MIGRATION),
    Migration::new(4, include_str!("../migrations/0004_tokens_and_quotas.sql")),
    Migration::new(5, include_str!("../migrations/0005_attempts.sql")),
    Migration::new(6, include_str!("../migrations/0006_sign_ins.sql")),
    Migration::new(7, include_str!("../migrations/0007_erasures.sql")),
    Migration::new(8, include_str!("../migrations/0008_media_quotas.sql")),
];

/// Why a write with an `Idempotency-Key` came to nothing.
#[derive(Debug)]
pub enum Failure {
    Sql(SqlError),
    Refused(Refused),
    /// The row was not made: its name is taken, or what it belongs to does not exist.
    NotMade,
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Failure {
    /// `what` was tried, for the log; `not_made` is for the client.
    pub fn told(self, context: &Context, what: &str, not_made: Problem) -> Problem {
        match self {
            Self::Sql(error) => failed(context, what, &error),
            Self::Refused(refused) => refused.into(),
            Self::NotMade => not_made,
        }
    }
}

/// Logs why, and tells the client whether another try is worth it.
pub fn failed(context: &Context, what: &str, error: &SqlError) -> Problem {
    log::error(context, &format!("failed to {what}"), &[("reason", error)]);
    match error {
        SqlError::Unavailable(_) => Problem::unavailable("the gateway's database is busy"),
        SqlError::Failed(_) | SqlError::Row(_) => Problem::internal(),
    }
}

/// The columns `scopes`: a JSON array of strings.
fn read_scopes(json: &str) -> Result<Vec<String>, SqlError> {
    serde_json::from_str(json).map_err(|error| SqlError::Row(format!("scopes are no list of strings: {error}")))
}
