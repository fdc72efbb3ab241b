//! The table `tenants`.

use sdk::Micros;
use sdk::idempotency::{Done, Once, once_statement};
use sdk::pagination::Keyset;
use sdk::sql::{Database, Driver, Execute, Row, SqlError};

use super::{Failure, erasures};
use crate::tenants::{Tenant, TenantChanges};

/// A name that was used before, also by a tenant that is deleted, gives no row.
pub const INSERT: &str = "\
    INSERT INTO tenants (tenant_id, name, requests_per_hour, media_quota_bytes, media_quota_told, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?4 IS NULL, ?5, ?6) ON CONFLICT (tenant_id) DO NOTHING RETURNING tenant_id";

pub const LIST: &str = "\
    SELECT tenant_id, name, requests_per_hour, media_quota_bytes, disabled_at, created_at, updated_at FROM tenants
    WHERE tenant_id > ? AND deleted_at IS NULL ORDER BY tenant_id LIMIT ?";

pub const GET: &str = "\
    SELECT tenant_id, name, requests_per_hour, media_quota_bytes, disabled_at, created_at, updated_at FROM tenants
    WHERE tenant_id = ? AND deleted_at IS NULL";

/// For a field that is not to change, its flag is 0.
pub const UPDATE: &str = "\
    UPDATE tenants SET name = coalesce(?, name),
        requests_per_hour = CASE WHEN ? THEN ? ELSE requests_per_hour END,
        media_quota_told = CASE WHEN ? THEN 0 ELSE media_quota_told END,
        media_quota_bytes = CASE WHEN ? THEN ? ELSE media_quota_bytes END,
        disabled_at = CASE WHEN ? THEN ? ELSE disabled_at END,
        updated_at = max(?, updated_at + 1)
    WHERE tenant_id = ? AND deleted_at IS NULL AND updated_at = coalesce(?, updated_at)
    RETURNING tenant_id, name, requests_per_hour, media_quota_bytes, disabled_at, created_at, updated_at";

pub const DELETE: &str = "\
    UPDATE tenants SET deleted_at = ?, name = tenant_id
    WHERE tenant_id = ? AND deleted_at IS NULL AND updated_at = coalesce(?, updated_at) RETURNING tenant_id";

/// Whose quotas media does not know yet.
pub const UNTOLD_QUOTAS: &str = "\
    SELECT tenant_id, media_quota_bytes FROM tenants WHERE media_quota_told = 0 ORDER BY tenant_id LIMIT 100";

/// Unless it was changed again meanwhile.
pub const QUOTA_TOLD: &str = "\
    UPDATE tenants SET media_quota_told = 1 WHERE tenant_id = ? AND media_quota_bytes IS ?";

pub async fn untold_quotas<D: Driver>(tables: &Database<D>) -> Result<Vec<(String, Option<i64>)>, SqlError> {
    let rows = tables.execute(UNTOLD_QUOTAS, Vec::new()).await?;
    rows.into_iter().map(|mut row| Ok((row.take()?, row.take()?))).collect()
}

pub async fn quota_told<D: Driver>(tables: &Database<D>, tenant: &str, bytes: Option<i64>) -> Result<(), SqlError> {
    tables.execute(QUOTA_TOLD, vec![tenant.into(), bytes.into()]).await.map(|_| ())
}

/// [`Failure::NotMade`] when the name is taken.
pub async fn insert<D: Driver>(
    tables: &Database<D>,
    tenant: &Tenant,
    once: Option<&Once<'_, Tenant>>,
) -> Result<Done<Tenant>, Failure> {
    let insert = async |connection: &D::Connection| -> Result<Tenant, Failure> {
        let parameters = vec![
            (&tenant.id).into(),
            (&tenant.name).into(),
            tenant.requests_per_hour.into(),
            tenant.media_quota_bytes.into(),
            tenant.created_at.into(),
            tenant.updated_at.into(),
        ];
        let rows = connection.execute(INSERT, parameters).await?;
        if rows.is_empty() { Err(Failure::NotMade) } else { Ok(tenant.clone()) }
    };
    once_statement(tables, once, tenant.created_at, insert).await
}

/// In the order of their names; one more than `limit`, when there are more.
pub async fn list_page<D: Driver>(tables: &Database<D>, after: &Keyset, limit: u32) -> Result<Vec<Tenant>, SqlError> {
    let rows = tables.execute(LIST, vec![(&after.id).into(), (limit + 1).into()]).await?;
    rows.into_iter().map(read).collect()
}

pub async fn get<D: Driver>(tables: &Database<D>, id: &str) -> Result<Option<Tenant>, SqlError> {
    let rows = tables.execute(GET, vec![id.into()]).await?;
    rows.into_iter().next().map(read).transpose()
}

pub async fn update<D: Driver>(
    tables: &Database<D>,
    id: &str,
    changes: &TenantChanges,
    if_match: Option<Micros>,
    now: Micros,
) -> Result<Option<Tenant>, SqlError> {
    let disabled_at = changes.disabled.unwrap_or(false).then_some(now);
    let parameters = vec![
        changes.name.clone().into(),
        changes.requests_per_hour.is_some().into(),
        changes.requests_per_hour.flatten().into(),
        changes.media_quota_bytes.is_some().into(),
        changes.media_quota_bytes.is_some().into(),
        changes.media_quota_bytes.flatten().into(),
        changes.disabled.is_some().into(),
        disabled_at.into(),
        now.into(),
        id.into(),
        if_match.into(),
    ];
    let rows = tables.execute(UPDATE, parameters).await?;
    rows.into_iter().next().map(read).transpose()
}

/// Whether there was one to delete, in this version. Its data follows.
pub async fn delete<D: Driver>(
    tables: &Database<D>,
    id: &str,
    if_match: Option<Micros>,
    now: Micros,
) -> Result<bool, SqlError> {
    let work = async |transaction: &D::Connection| -> Result<bool, SqlError> {
        let deleted = transaction.execute(DELETE, vec![now.into(), id.into(), if_match.into()]).await?;
        if deleted.is_empty() {
            return Ok(false);
        }
        erasures::begin(transaction, id, now).await.map(|()| true)
    };
    tables.transaction(work).await
}

fn read(mut row: Row) -> Result<Tenant, SqlError> {
    Ok(Tenant {
        id: row.take()?,
        name: row.take()?,
        requests_per_hour: row.take()?,
        media_quota_bytes: row.take()?,
        disabled_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}
