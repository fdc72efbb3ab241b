//! The table `revoked_tokens`, and the key that a token stands for.

use sdk::Micros;
use sdk::sql::{Database, Driver, SqlError};

use super::api_keys;
use crate::keys::ApiKey;

/// The client's key, unless the token was revoked: a token is worth no more than the key that it was given for.
pub const FIND: &str = "\
    SELECT k.id, k.tenant_id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, t.requests_per_hour
    FROM api_keys k JOIN tenants t ON t.tenant_id = k.tenant_id
    WHERE k.tenant_id = ? AND k.id = ? AND t.disabled_at IS NULL AND t.deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.tenant_id = k.tenant_id AND r.token_id = ?)";

pub const REVOKE: &str = "\
    INSERT INTO revoked_tokens (tenant_id, token_id, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";

pub const SWEEP: &str = "\
    DELETE FROM revoked_tokens WHERE (tenant_id, token_id) IN
        (SELECT tenant_id, token_id FROM revoked_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?) RETURNING 1";

pub async fn find<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    client: &str,
    token: &str,
) -> Result<Option<ApiKey>, SqlError> {
    let rows = tables.execute(FIND, vec![tenant.into(), client.into(), token.into()]).await?;
    rows.into_iter().next().map(api_keys::read_key).transpose()
}

/// Durable when it returns.
pub async fn revoke<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    token: &str,
    expires_at: Micros,
) -> Result<(), SqlError> {
    tables.execute(REVOKE, vec![tenant.into(), token.into(), expires_at.into()]).await.map(|_| ())
}
