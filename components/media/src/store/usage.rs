//! The table `usage`: how many bytes a tenant has, and may have.

use sdk::sql::{Database, Driver, SqlError};

pub mod statements {
    /// With the uploads of the tenant that are on their way.
    pub const READ: &str = "SELECT coalesce((SELECT bytes FROM usage WHERE tenant_id = ?1), 0), \
                            (SELECT quota_bytes FROM usage WHERE tenant_id = ?1), \
                            (SELECT count(*) FROM uploads WHERE tenant_id = ?1 AND started_at > 0)";
    pub const SET_QUOTA: &str = "INSERT INTO usage (tenant_id, bytes, quota_bytes) VALUES (?, 0, ?) \
                                 ON CONFLICT (tenant_id) DO UPDATE SET quota_bytes = excluded.quota_bytes";

    pub const ALL: &[&str] = &[READ];
}

pub struct Usage {
    pub bytes: u64,
    /// `None`: the deployment's.
    pub quota_bytes: Option<u64>,
    pub uploads: u64,
}

pub async fn read<D: Driver>(db: &Database<D>, tenant: &str) -> Result<Usage, SqlError> {
    let rows = db.execute(statements::READ, vec![tenant.into()]).await?;
    let mut row = rows.into_iter().next().ok_or_else(|| SqlError::Row("a count gave no row".to_owned()))?;
    Ok(Usage { bytes: row.take()?, quota_bytes: row.take()?, uploads: row.take()? })
}

pub async fn set_quota<D: Driver>(db: &Database<D>, tenant: &str, bytes: Option<u64>) -> Result<(), SqlError> {
    let bytes = bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    db.execute(statements::SET_QUOTA, vec![tenant.into(), bytes.into()]).await.map(|_| ())
}
