//! Conformance reports in SQL.

use sdk::{
    Micros,
    sql::{self, Database, Driver, SqlError},
};

pub mod statements {
    pub const OF: &str = "SELECT report FROM conformance WHERE tenant_id = ? AND channel = ?";

    pub const ALL: &[&str] = &[OF];
}

/// The newest takes the place of the one before.
pub async fn save<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    channel: &str,
    report: &str,
    now: Micros,
) -> Result<(), SqlError> {
    const SAVE: &str = "INSERT INTO conformance (tenant_id, channel, report, created_at) VALUES (?, ?, ?, ?) \
                        ON CONFLICT (tenant_id, channel) DO UPDATE SET report = excluded.report, created_at = excluded.created_at";
    let parameters = vec![tenant.into(), channel.into(), report.into(), now.into()];
    database.execute(SAVE, parameters).await.map(|_| ())
}

/// JSON.
pub async fn get<D: Driver>(database: &Database<D>, tenant: &str, channel: &str) -> Result<Option<String>, SqlError> {
    sql::one(database.execute(statements::OF, vec![tenant.into(), channel.into()]).await?, |mut row| row.take())
}
