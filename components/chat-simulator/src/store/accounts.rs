//! The accounts that the simulator has registered, in SQL.

use sdk::sql::{self, Database, Driver, SqlError};

use crate::account::Account;

/// How an account was when it was registered, or last put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// `/channels/{id}`
    pub id: String,
    /// Another one: somebody has changed it.
    pub version: String,
    /// Of which secret its credentials are.
    pub key_id: String,
}

pub mod statements {
    pub const OF: &str = "SELECT id, version, key_id FROM accounts WHERE tenant_id = ? AND channel = ?";
    pub const OWNER: &str = "SELECT tenant_id FROM accounts WHERE channel = ? AND provider_id = ?";

    pub const ALL: &[&str] = &[OF, OWNER];
}

pub async fn get<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    channel: &str,
) -> Result<Option<Registered>, SqlError> {
    let rows = database.execute(statements::OF, vec![tenant.into(), channel.into()]).await?;
    sql::one(rows, |mut row| Ok(Registered { id: row.take()?, version: row.take()?, key_id: row.take()? }))
}

/// Whose account this is; `None` for one that the simulator has not registered.
pub async fn owner<D: Driver>(
    database: &Database<D>,
    channel: &str,
    provider_id: &str,
) -> Result<Option<String>, SqlError> {
    let rows = database.execute(statements::OWNER, vec![channel.into(), provider_id.into()]).await?;
    sql::one(rows, |mut row| row.take())
}

pub async fn save<D: Driver>(
    database: &Database<D>,
    account: &Account,
    registered: &Registered,
) -> Result<(), SqlError> {
    const SAVE: &str = "INSERT INTO accounts (tenant_id, channel, provider_id, id, version, key_id) VALUES (?, ?, ?, ?, ?, ?) \
                        ON CONFLICT (tenant_id, channel) DO UPDATE SET provider_id = excluded.provider_id, id = excluded.id, \
                        version = excluded.version, key_id = excluded.key_id";
    let parameters = vec![
        (&account.tenant).into(),
        account.channel.into(),
        (&account.provider_id).into(),
        (&registered.id).into(),
        (&registered.version).into(),
        (&registered.key_id).into(),
    ];
    database.execute(SAVE, parameters).await.map(|_| ())
}
