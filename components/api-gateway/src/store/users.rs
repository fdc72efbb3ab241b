//! The table `users`.

use sdk::Micros;
use sdk::idempotency::{Done, Once, once_statement};
use sdk::pagination::Keyset;
use sdk::sql::{Database, Driver, Execute, Row, SqlError, list};

use super::{Failure, read_scopes};
use crate::users::{Login, User, UserChanges};

/// With what its tenant has to say: a user of a tenant that is disabled or deleted is none.
pub const FIND: &str = "\
    SELECT u.id, u.password_hash, u.scopes, t.requests_per_hour
    FROM users u JOIN tenants t ON t.tenant_id = u.tenant_id
    WHERE u.tenant_id = ? AND u.username = ? AND u.disabled_at IS NULL AND t.disabled_at IS NULL AND t.deleted_at IS NULL";

/// No row when the tenant is unknown or the name is taken.
pub const INSERT: &str = "\
    INSERT INTO users (tenant_id, id, username, name, password_hash, scopes, created_at, updated_at)
    SELECT tenant_id, ?, ?, ?, ?, ?, ?, ? FROM tenants WHERE tenant_id = ? AND deleted_at IS NULL
    ON CONFLICT (tenant_id, username) DO NOTHING RETURNING id";

pub const LIST: &str = "\
    SELECT id, username, name, scopes, disabled_at, created_at, updated_at FROM users
    WHERE tenant_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?";

pub const GET: &str = "\
    SELECT id, username, name, scopes, disabled_at, created_at, updated_at FROM users WHERE tenant_id = ? AND id = ?";

/// What is null does not change; for `disabled_at` a flag says whether it does.
pub const UPDATE: &str = "\
    UPDATE users SET name = coalesce(?, name), password_hash = coalesce(?, password_hash), scopes = coalesce(?, scopes),
        disabled_at = CASE WHEN ? THEN ? ELSE disabled_at END, updated_at = max(?, updated_at + 1)
    WHERE tenant_id = ? AND id = ? AND updated_at = coalesce(?, updated_at)
    RETURNING id, username, name, scopes, disabled_at, created_at, updated_at";

pub const DELETE: &str =
    "DELETE FROM users WHERE tenant_id = ? AND id = ? AND updated_at = coalesce(?, updated_at) RETURNING id";

pub async fn find<D: Driver>(tables: &Database<D>, tenant: &str, username: &str) -> Result<Option<Login>, SqlError> {
    let rows = tables.execute(FIND, vec![tenant.into(), username.into()]).await?;
    let read = |mut row: Row| -> Result<Login, SqlError> {
        Ok(Login {
            tenant: tenant.to_owned(),
            id: row.take()?,
            password_hash: row.take()?,
            scopes: read_scopes(&row.take::<String>()?)?,
            requests_per_hour: row.take()?,
        })
    };
    rows.into_iter().next().map(read).transpose()
}

/// [`Failure::NotMade`] when the tenant is unknown or the name is taken.
pub async fn insert<D: Driver>(
    tables: &Database<D>,
    user: &User,
    password_hash: &str,
    once: Option<&Once<'_, User>>,
) -> Result<Done<User>, Failure> {
    let insert = async |connection: &D::Connection| -> Result<User, Failure> {
        let parameters = vec![
            (&user.id).into(),
            (&user.username).into(),
            user.name.clone().into(),
            password_hash.into(),
            list(&user.scopes)?,
            user.created_at.into(),
            user.updated_at.into(),
            (&user.tenant).into(),
        ];
        let rows = connection.execute(INSERT, parameters).await?;
        if rows.is_empty() { Err(Failure::NotMade) } else { Ok(user.clone()) }
    };
    once_statement(tables, once, user.created_at, insert).await
}

/// One more than `limit`, when there are more.
pub async fn list_page<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    after: &Keyset,
    limit: u32,
) -> Result<Vec<User>, SqlError> {
    let parameters = vec![tenant.into(), after.at.into(), (&after.id).into(), (limit + 1).into()];
    let rows = tables.execute(LIST, parameters).await?;
    rows.into_iter().map(|row| read(tenant, row)).collect()
}

pub async fn get<D: Driver>(tables: &Database<D>, tenant: &str, id: &str) -> Result<Option<User>, SqlError> {
    let rows = tables.execute(GET, vec![tenant.into(), id.into()]).await?;
    rows.into_iter().next().map(|row| read(tenant, row)).transpose()
}

pub async fn update<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    id: &str,
    changes: &UserChanges,
    if_match: Option<Micros>,
    now: Micros,
) -> Result<Option<User>, SqlError> {
    let disabled_at = changes.disabled.unwrap_or(false).then_some(now);
    let parameters = vec![
        changes.name.clone().into(),
        changes.password_hash.clone().into(),
        changes.scopes.as_deref().map(list).transpose()?.unwrap_or(sdk::sql::Value::Null),
        changes.disabled.is_some().into(),
        disabled_at.into(),
        now.into(),
        tenant.into(),
        id.into(),
        if_match.into(),
    ];
    let rows = tables.execute(UPDATE, parameters).await?;
    rows.into_iter().next().map(|row| read(tenant, row)).transpose()
}

/// Whether there was one to delete, in this version.
pub async fn delete<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    id: &str,
    if_match: Option<Micros>,
) -> Result<bool, SqlError> {
    tables.execute(DELETE, vec![tenant.into(), id.into(), if_match.into()]).await.map(|rows| !rows.is_empty())
}

fn read(tenant: &str, mut row: Row) -> Result<User, SqlError> {
    Ok(User {
        tenant: tenant.to_owned(),
        id: row.take()?,
        username: row.take()?,
        name: row.take()?,
        scopes: read_scopes(&row.take::<String>()?)?,
        disabled_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}
