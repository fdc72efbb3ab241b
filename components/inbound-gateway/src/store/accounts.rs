//! Channel accounts in SQL.

use sdk::idempotency::{self, Done, Once};
use sdk::pagination::Keyset;
use sdk::sql::{self, Driver, Execute, Row, SqlError, Value, list};
use sdk::{Error, Micros};

use super::SqlStore;
use crate::accounts::vault::Sealed;
use crate::accounts::{Account, Accounts};

macro_rules! columns {
    () => {
        "tenant_id, id, kind, provider_id, name, disabled_at, credentials, credentials_set, key_id, created_at, updated_at"
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
    pub const INSERT: &str = concat!(
        "INSERT INTO channel_accounts (",
        columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (kind, provider_id) DO NOTHING RETURNING id"
    );
    pub const REPLACE: &str = "UPDATE channel_accounts SET name = ?4, disabled_at = ?5, credentials = ?6, \
        credentials_set = ?7, key_id = ?8, updated_at = ?9 WHERE tenant_id = ?1 AND id = ?2 AND updated_at = ?3 RETURNING id";
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

    pub const ALL: &[&str] = &[NAMED, LIST, BY_ID, REPLACE, DELETE, SEALED_BEFORE, SEALED_AFTER];
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
        idempotency::once_statement(&self.0, once, now, async |connection: &D::Connection| {
            let made = connection.execute(statements::INSERT, row(account)?).await?;
            // Whose it is, is not said.
            let taken = || Error::Conflict("this account of the provider's is registered already".to_owned());
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
        ];
        Ok(!self.0.execute(statements::REPLACE, parameters).await?.is_empty())
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
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}
