//! Channel accounts in SQL.

use sdk::idempotency::{self, Done, Once};
use sdk::pagination::Keyset;
use sdk::sql::{self, Driver, Execute, Row, SqlError, Value, list};
use sdk::{Error, Micros};

use super::SqlStore;
use crate::accounts::vault::Sealed;
use crate::accounts::{Account, Accounts, By, MAX_ACCOUNTS, Verified, taken};

macro_rules! columns {
    () => {
        "tenant_id, id, kind, provider_id, name, disabled_at, credentials, credentials_set, key_id, verified_at, verified_by, \
         created_at, updated_at"
    };
}

/// The statements whose plan a test reads.
pub mod statements {
    /// Without the tenant: whose they are is what is asked.
    pub const NAMED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM channel_accounts WHERE kind = ?1 AND provider_id IN (SELECT value FROM json_each(?2))"
    );
    pub const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM channel_accounts WHERE tenant_id = ?1 AND (created_at, id) > (?2, ?3) AND kind = coalesce(?4, kind) \
         ORDER BY created_at, id LIMIT ?5"
    );
    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM channel_accounts WHERE tenant_id = ? AND id = ?");
    /// Nothing when another tenant has verified it, or this one has named it already.
    pub const INSERT: &str = concat!(
        "INSERT INTO channel_accounts (",
        columns!(),
        ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE NOT EXISTS (SELECT 1 FROM channel_accounts \
         WHERE kind = ?3 AND provider_id = ?4 AND (tenant_id = ?1 OR verified_at IS NOT NULL)) RETURNING id"
    );
    pub const COUNT: &str = "SELECT count(*) FROM channel_accounts WHERE tenant_id = ?";
    pub const REPLACE: &str = "UPDATE channel_accounts SET name = ?4, disabled_at = ?5, credentials = ?6, \
        credentials_set = ?7, key_id = ?8, verified_at = ?10, verified_by = ?11, updated_at = ?9 \
        WHERE tenant_id = ?1 AND id = ?2 AND updated_at = ?3 RETURNING id";
    pub const VERIFY: &str = "UPDATE channel_accounts SET verified_at = ?3, verified_by = 'webhook', \
        updated_at = max(updated_at + 1, ?3) WHERE tenant_id = ?1 AND id = ?2 AND verified_at IS NULL AND NOT EXISTS \
        (SELECT 1 FROM channel_accounts o WHERE o.kind = channel_accounts.kind \
         AND o.provider_id = channel_accounts.provider_id AND o.verified_at IS NOT NULL)";
    pub const DELETE: &str = "DELETE FROM channel_accounts WHERE tenant_id = ?1 AND id = ?2 \
        AND updated_at = coalesce(?3, updated_at) RETURNING id";
    /// Without the tenant: the keys are the platform's.
    pub const SEALED_BEFORE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM channel_accounts WHERE credentials IS NOT NULL AND key_id < ?1 ORDER BY key_id LIMIT ?2"
    );
    pub const SEALED_AFTER: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM channel_accounts WHERE credentials IS NOT NULL AND key_id > ?1 ORDER BY key_id LIMIT ?2"
    );

    pub const ALL: &[&str] = &[NAMED, LIST, BY_ID, COUNT, REPLACE, VERIFY, DELETE, SEALED_BEFORE, SEALED_AFTER];
}

impl<D: Driver> Accounts for SqlStore<D> {
    async fn named(&self, kind: &str, provider_ids: &[String]) -> Result<Vec<Account>, Error> {
        let rows = self.0.execute(statements::NAMED, vec![kind.into(), list(provider_ids)?]).await?;
        Ok(sql::many(rows, account)?)
    }

    async fn list(&self, tenant: &str, kind: Option<&str>, after: &Keyset, limit: u32) -> Result<Vec<Account>, Error> {
        let one_more = i64::from(limit) + 1;
        let parameters = vec![tenant.into(), after.at.into(), (&after.id).into(), kind.into(), one_more.into()];
        Ok(sql::many(self.0.execute(statements::LIST, parameters).await?, account)?)
    }

    async fn get(&self, tenant: &str, id: &str) -> Result<Option<Account>, Error> {
        Ok(sql::one(self.0.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, account)?)
    }

    async fn insert(
        &self,
        account: &Account,
        now: Micros,
        once: Option<&Once<'_, Account>>,
    ) -> Result<Done<Account>, Error> {
        idempotency::once(&self.0, once, now, async |connection: &D::Connection| {
            let count = connection.execute(statements::COUNT, vec![(&account.tenant).into()]).await?;
            let count = sql::one(count, |mut row| row.take::<u32>())?.unwrap_or_default();
            if count >= MAX_ACCOUNTS {
                return Err(Error::Conflict(format!("there are {MAX_ACCOUNTS} channel accounts; delete one first")));
            }
            let made = connection.execute(statements::INSERT, row(account)?).await?;
            if made.is_empty() { Err(taken()) } else { Ok(account.clone()) }
        })
        .await
    }

    async fn replace(&self, account: &Account, version: Micros) -> Result<bool, Error> {
        let parameters = vec![
            (&account.tenant).into(),
            (&account.id).into(),
            version.into(),
            (&account.name).into(),
            account.disabled_at.into(),
            account.sealed.as_ref().map(|sealed| sealed.text.as_str()).into(),
            list(&account.credentials_set)?,
            account.sealed.as_ref().map(|sealed| sealed.key_id.as_str()).into(),
            account.updated_at.into(),
            account.verified.map(|verified| verified.at).into(),
            account.verified.map(|verified| verified.by.as_str()).into(),
        ];
        Ok(!self.0.execute(statements::REPLACE, parameters).await?.is_empty())
    }

    async fn verify(&self, tenant: &str, id: &str, now: Micros) -> Result<(), Error> {
        self.0.execute(statements::VERIFY, vec![tenant.into(), id.into(), now.into()]).await?;
        Ok(())
    }

    async fn delete(&self, tenant: &str, id: &str, version: Option<Micros>) -> Result<bool, Error> {
        let parameters = vec![tenant.into(), id.into(), version.into()];
        Ok(!self.0.execute(statements::DELETE, parameters).await?.is_empty())
    }

    async fn sealed_otherwise(&self, key_id: &str, limit: u32) -> Result<Vec<Account>, Error> {
        let mut found = Vec::new();
        for statement in [statements::SEALED_BEFORE, statements::SEALED_AFTER] {
            let rows = self.0.execute(statement, vec![key_id.into(), limit.into()]).await?;
            found.extend(sql::many(rows, account)?);
        }
        Ok(found)
    }
}

fn row(account: &Account) -> Result<Vec<Value>, SqlError> {
    Ok(vec![
        (&account.tenant).into(),
        (&account.id).into(),
        (&account.kind).into(),
        (&account.provider_id).into(),
        (&account.name).into(),
        account.disabled_at.into(),
        account.sealed.as_ref().map(|sealed| sealed.text.as_str()).into(),
        list(&account.credentials_set)?,
        account.sealed.as_ref().map(|sealed| sealed.key_id.as_str()).into(),
        account.verified.map(|verified| verified.at).into(),
        account.verified.map(|verified| verified.by.as_str()).into(),
        account.created_at.into(),
        account.updated_at.into(),
    ])
}

/// In the order of `columns!`.
fn account(mut row: Row) -> Result<Account, SqlError> {
    let (tenant, id, kind, provider_id, name) = (row.take()?, row.take()?, row.take()?, row.take()?, row.take()?);
    let disabled_at = row.take()?;
    let (text, set): (Option<String>, String) = (row.take()?, row.take()?);
    let key_id: Option<String> = row.take()?;
    let (verified_at, verified_by): (Option<Micros>, Option<String>) = (row.take()?, row.take()?);
    let verified_by = verified_by.as_deref().and_then(By::parse);
    let credentials_set =
        serde_json::from_str(&set).map_err(|_| SqlError::Row("credentials_set is no list".to_owned()))?;
    Ok(Account {
        tenant,
        id,
        kind,
        provider_id,
        name,
        disabled_at,
        sealed: text.zip(key_id).map(|(text, key_id)| Sealed { key_id, text }),
        credentials_set,
        verified: verified_at.zip(verified_by).map(|(at, by)| Verified { at, by }),
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}
