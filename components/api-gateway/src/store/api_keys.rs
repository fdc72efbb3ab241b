//! The table `api_keys`.

use sdk::Micros;
use sdk::idempotency::{Done, Once, once_statement};
use sdk::pagination::Keyset;
use sdk::sql::{Database, Driver, Execute, Row, SqlError, list};

use super::{Failure, read_scopes};
use crate::keys::{ApiKey, IssuedKey, KeyHash};

/// With what its tenant has to say: a key of a tenant that is disabled or deleted is none.
pub const FIND: &str = "\
    SELECT k.id, k.tenant_id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, t.requests_per_hour
    FROM api_keys k JOIN tenants t ON t.tenant_id = k.tenant_id
    WHERE k.key_hash = ? AND t.disabled_at IS NULL AND t.deleted_at IS NULL LIMIT 1";

pub const MARK_USED: &str = "\
    UPDATE api_keys SET last_used_at = ?
    WHERE tenant_id = ? AND id = ? AND coalesce(last_used_at, 0) < ?";

pub const INSERT: &str = "\
    INSERT INTO api_keys (tenant_id, id, name, key_prefix, key_hash, scopes, created_at, expires_at)
    SELECT tenant_id, ?, ?, ?, ?, ?, ?, ? FROM tenants WHERE tenant_id = ? AND deleted_at IS NULL RETURNING id";

pub const LIST: &str = "\
    SELECT id, name, key_prefix, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_keys
    WHERE tenant_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?";

pub const GET: &str = "\
    SELECT id, name, key_prefix, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_keys
    WHERE tenant_id = ? AND id = ?";

pub const REVOKE: &str = "\
    UPDATE api_keys SET revoked_at = ? WHERE tenant_id = ? AND id = ? AND revoked_at IS NULL";

pub async fn find<D: Driver>(tables: &Database<D>, hash: KeyHash) -> Result<Option<ApiKey>, SqlError> {
    let rows = tables.execute(FIND, vec![hash.to_hex().into()]).await?;
    rows.into_iter().next().map(read_key).transpose()
}

pub async fn mark_used<D: Driver>(tables: &Database<D>, key: &ApiKey, now: Micros) -> Result<(), SqlError> {
    let parameters = vec![now.into(), (&key.tenant).into(), (&key.id).into(), now.into()];
    tables.execute(MARK_USED, parameters).await.map(|_| ())
}

/// [`Failure::NotMade`] when there is no such tenant.
pub async fn insert<D: Driver>(
    tables: &Database<D>,
    key: &IssuedKey,
    hash: KeyHash,
    once: Option<&Once<'_, IssuedKey>>,
) -> Result<Done<IssuedKey>, Failure> {
    let insert = async |connection: &D::Connection| -> Result<IssuedKey, Failure> {
        let parameters = vec![
            (&key.id).into(),
            (&key.name).into(),
            (&key.prefix).into(),
            hash.to_hex().into(),
            list(&key.scopes)?,
            key.created_at.into(),
            key.expires_at.into(),
            (&key.tenant).into(),
        ];
        let rows = connection.execute(INSERT, parameters).await?;
        if rows.is_empty() { Err(Failure::NotMade) } else { Ok(key.clone()) }
    };
    once_statement(tables, once, key.created_at, insert).await
}

/// One more than `limit`, when there are more.
pub async fn list_page<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    after: &Keyset,
    limit: u32,
) -> Result<Vec<IssuedKey>, SqlError> {
    let parameters = vec![tenant.into(), after.at.into(), (&after.id).into(), (limit + 1).into()];
    let rows = tables.execute(LIST, parameters).await?;
    rows.into_iter().map(|row| read_issued(tenant, row)).collect()
}

pub async fn get<D: Driver>(tables: &Database<D>, tenant: &str, id: &str) -> Result<Option<IssuedKey>, SqlError> {
    let rows = tables.execute(GET, vec![tenant.into(), id.into()]).await?;
    rows.into_iter().next().map(|row| read_issued(tenant, row)).transpose()
}

pub async fn revoke<D: Driver>(tables: &Database<D>, tenant: &str, id: &str, now: Micros) -> Result<(), SqlError> {
    tables.execute(REVOKE, vec![now.into(), tenant.into(), id.into()]).await.map(|_| ())
}

pub(super) fn read_key(mut row: Row) -> Result<ApiKey, SqlError> {
    Ok(ApiKey {
        id: row.take()?,
        tenant: row.take()?,
        scopes: read_scopes(&row.take::<String>()?)?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
        last_used_at: row.take()?,
        requests_per_hour: row.take()?,
    })
}

fn read_issued(tenant: &str, mut row: Row) -> Result<IssuedKey, SqlError> {
    Ok(IssuedKey {
        tenant: tenant.to_owned(),
        id: row.take()?,
        name: row.take()?,
        prefix: row.take()?,
        scopes: read_scopes(&row.take::<String>()?)?,
        created_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
        last_used_at: row.take()?,
    })
}
