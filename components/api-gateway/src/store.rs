//! The table `api_keys`; the only file with SQL.

use sdk::sql::{Database, Driver, Migration, Row, SqlError};
use sdk::{Context, Micros, log};

use crate::clients::{ApiKeys, StoreFailed};
use crate::keys::{ApiKey, KeyHash};

pub const MIGRATIONS: &[Migration] = &[Migration::new(1, include_str!("../migrations/0001_api_keys.sql"))];

pub const FIND_KEY: &str = "\
    SELECT id, tenant_id, scopes, expires_at, revoked_at, last_used_at
    FROM api_keys WHERE key_hash = ? LIMIT 1";

pub const MARK_KEY_USED: &str = "\
    UPDATE api_keys SET last_used_at = ?
    WHERE tenant_id = ? AND id = ? AND coalesce(last_used_at, 0) < ?";

pub struct KeyStore<D>(Database<D>);

impl<D: Driver> KeyStore<D> {
    pub fn new(driver: D) -> Self {
        Self(Database::new(driver, MIGRATIONS))
    }
}

impl<D: Driver> ApiKeys for KeyStore<D> {
    async fn find_key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreFailed> {
        let found = self.0.execute(FIND_KEY, vec![hash.to_hex().into()]).await;
        let key = found.and_then(|rows| rows.into_iter().next().map(read_key).transpose());
        key.map_err(|error| {
            log::error(&Context::default(), "failed to look an API key up", &[("reason", &error)]);
            StoreFailed
        })
    }

    async fn mark_key_used(&self, key: &ApiKey, now: Micros) {
        let parameters = vec![now.into(), (&key.tenant).into(), (&key.id).into(), now.into()];
        if let Err(error) = self.0.execute(MARK_KEY_USED, parameters).await {
            log::warn(&Context::default(), "failed to note an API key's use", &[("reason", &error)]);
        }
    }
}

fn read_key(mut row: Row) -> Result<ApiKey, SqlError> {
    Ok(ApiKey {
        id: row.take()?,
        tenant: row.take()?,
        scopes: read_scopes(&row.take::<String>()?)?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
        last_used_at: row.take()?,
    })
}

fn read_scopes(json: &str) -> Result<Vec<String>, SqlError> {
    serde_json::from_str(json).map_err(|error| SqlError::Row(format!("scopes are no list of strings: {error}")))
}
