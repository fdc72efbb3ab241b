//! Webhook endpoints in SQL. Their secrets are read only to sign.

use sdk::{
    Error, Micros, etag,
    idempotency::{self, Done, Once},
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

use crate::{
    endpoint::{Changes, Endpoint, MAX_ENDPOINTS, NewEndpoint, OldSecrets, Status},
    store::deliveries,
};

macro_rules! columns {
    () => {
        "id, url, events, description, status, disabled_reason, failing_since, created_at, updated_at"
    };
}

pub mod statements {
    pub const BY_ID: &str = concat!("SELECT ", columns!(), " FROM webhook_endpoints WHERE tenant_id = ? AND id = ?");
    pub const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_endpoints WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
    );
    pub const OF_TENANT: &str = concat!("SELECT ", columns!(), " FROM webhook_endpoints WHERE tenant_id = ?");
    pub const COUNT: &str = "SELECT count(*) FROM webhook_endpoints WHERE tenant_id = ?";
    /// Who enables it again starts it afresh.
    pub const UPDATE: &str = concat!(
        "UPDATE webhook_endpoints SET url = coalesce(?3, url), events = coalesce(?4, events), \
         description = coalesce(?5, description), status = coalesce(?6, status), \
         disabled_reason = CASE WHEN ?6 = 'enabled' THEN NULL WHEN ?6 = 'disabled' THEN 'by hand' ELSE disabled_reason END, \
         failing_since = CASE WHEN ?6 = 'enabled' THEN NULL ELSE failing_since END, updated_at = ?7 \
         WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        columns!()
    );
    pub const SECRETS: &str = "SELECT secret, old_secrets FROM webhook_endpoints WHERE tenant_id = ? AND id = ?";
    pub const ROTATE: &str = "UPDATE webhook_endpoints SET secret = ?3, old_secrets = ?4, updated_at = max(updated_at + 1, ?5) \
                              WHERE tenant_id = ?1 AND id = ?2";

    /// Of all tenants at once: the key is the deployment's.
    pub const KEPT_OTHERWISE: &str = "SELECT tenant_id, id, secret, old_secrets FROM webhook_endpoints \
                                      WHERE substr(secret, 1, length(?1)) <> ?1 LIMIT 50";
    pub const KEEP: &str = "UPDATE webhook_endpoints SET secret = ?5, old_secrets = ?6 \
                            WHERE tenant_id = ?1 AND id = ?2 AND secret = ?3 AND old_secrets = ?4";

    pub const ALL: &[&str] = &[BY_ID, LIST, OF_TENANT, COUNT, UPDATE, SECRETS, ROTATE];
}

fn endpoint(mut row: Row) -> Result<Endpoint, SqlError> {
    let (id, url, events): (_, _, String) = (row.take()?, row.take()?, row.take()?);
    Ok(Endpoint {
        id,
        url,
        events: serde_json::from_str(&events).map_err(|e| SqlError::Row(format!("events: {e}")))?,
        description: row.take()?,
        status: row.word(Status::parse)?,
        disabled_reason: row.take()?,
        failing_since: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// `new`: whose, under which id, and what.
pub async fn create<D: Driver>(
    database: &Database<D>,
    new: (&str, &str, &NewEndpoint),
    secret: &str,
    now: Micros,
    once: Option<&Once<'_, Endpoint>>,
) -> Result<Done<Endpoint>, Error> {
    let work = async |transaction: &D::Connection| insert(transaction, new, secret, now).await;
    idempotency::once(database, once, now, work).await
}

async fn insert(
    transaction: &impl Execute,
    (tenant, id, new): (&str, &str, &NewEndpoint),
    secret: &str,
    now: Micros,
) -> Result<Endpoint, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO webhook_endpoints (tenant_id, id, url, events, description, status, secret, old_secrets, lease_until, \
         created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, 'enabled', ?6, '[]', 0, ?7, ?7) RETURNING ",
        columns!()
    );
    let count =
        sql::one(transaction.execute(statements::COUNT, vec![tenant.into()]).await?, |mut row| row.take::<u64>())?;
    if count.unwrap_or_default() >= MAX_ENDPOINTS {
        return Err(Error::Conflict(format!("there are {MAX_ENDPOINTS} webhook endpoints; delete one first")));
    }
    let parameters = vec![
        tenant.into(),
        id.into(),
        (&new.url).into(),
        sql::list(&new.events)?,
        new.description.clone().into(),
        secret.into(),
        now.into(),
    ];
    let created = sql::one(transaction.execute(INSERT, parameters).await?, endpoint)?;
    created.ok_or_else(|| Error::Internal("an insert returned nothing".to_owned()))
}

pub async fn get<D: Driver>(database: &Database<D>, tenant: &str, id: &str) -> Result<Option<Endpoint>, SqlError> {
    sql::one(database.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, endpoint)
}

/// The newest first.
pub async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    before: &str,
    limit: u32,
) -> Result<Vec<Endpoint>, SqlError> {
    sql::many(database.execute(statements::LIST, vec![tenant.into(), before.into(), limit.into()]).await?, endpoint)
}

pub async fn of_tenant<D: Driver>(database: &Database<D>, tenant: &str) -> Result<Vec<Endpoint>, SqlError> {
    sql::many(database.execute(statements::OF_TENANT, vec![tenant.into()]).await?, endpoint)
}

/// Disabling it passes over what waits for it.
pub async fn update<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    id: &str,
    changes: &Changes,
    now: Micros,
) -> Result<Endpoint, Error> {
    let work = async |transaction: &D::Connection| -> Result<Endpoint, Error> {
        let rows = transaction.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?;
        let before = sql::one(rows, endpoint)?.ok_or(Error::NotFound)?;
        etag::check(changes.version, before.updated_at)?;
        let parameters = vec![
            tenant.into(),
            id.into(),
            changes.url.clone().into(),
            changes.events.as_deref().map(sql::list).transpose()?.into(),
            changes.description.clone().into(),
            changes.status.map(Status::as_str).into(),
            etag::next(before.updated_at, now).into(),
        ];
        let updated = sql::one(transaction.execute(statements::UPDATE, parameters).await?, endpoint)?;
        if changes.status == Some(Status::Disabled) {
            deliveries::skip_waiting(transaction, tenant, id).await?;
        }
        updated.ok_or(Error::NotFound)
    };
    database.transaction(work).await
}

/// With its deliveries and attempts, if it is in this version.
pub async fn delete<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    id: &str,
    version: Option<Micros>,
) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM webhook_endpoints WHERE tenant_id = ? AND id = ?";
    let work = async |transaction: &D::Connection| -> Result<(), Error> {
        let rows = transaction.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?;
        etag::check(version, sql::one(rows, endpoint)?.ok_or(Error::NotFound)?.updated_at)?;
        deliveries::delete_of(transaction, tenant, id).await?;
        transaction.execute(DELETE, vec![tenant.into(), id.into()]).await?;
        Ok(())
    };
    database.transaction(work).await
}

/// An endpoint's secrets, as they are kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub tenant: String,
    pub id: String,
    pub secret: String,
    pub old_secrets: String,
}

/// Endpoints whose secret does not begin so.
pub async fn kept_otherwise<D: Driver>(database: &Database<D>, prefix: &str) -> Result<Vec<Kept>, SqlError> {
    let read =
        |mut row: Row| Ok(Kept { tenant: row.take()?, id: row.take()?, secret: row.take()?, old_secrets: row.take()? });
    sql::many(database.execute(statements::KEPT_OTHERWISE, vec![prefix.into()]).await?, read)
}

/// The same secrets, kept in another way; nothing when they were changed meanwhile.
pub async fn keep<D: Driver>(database: &Database<D>, was: &Kept, secret: &str, old: &str) -> Result<(), SqlError> {
    let read = [&was.tenant, &was.id, &was.secret, &was.old_secrets].map(|text| text.as_str().into());
    let parameters = read.into_iter().chain([secret.into(), old.into()]).collect();
    database.execute(statements::KEEP, parameters).await.map(|_| ())
}

/// The old secret signs on for a while.
pub async fn rotate<D: Driver>(
    database: &Database<D>,
    (tenant, id): (&str, &str),
    secret: &str,
    now: Micros,
    once: Option<&Once<'_, ()>>,
) -> Result<Done<()>, Error> {
    let work = async |transaction: &D::Connection| -> Result<(), Error> {
        let rows = transaction.execute(statements::SECRETS, vec![tenant.into(), id.into()]).await?;
        let mut row = rows.into_iter().next().ok_or(Error::NotFound)?;
        let (replaced, old): (String, String) = (row.take()?, row.take()?);
        let old = OldSecrets::parse(&old).with(replaced, now);
        let parameters = vec![tenant.into(), id.into(), secret.into(), old.to_json().into(), now.into()];
        transaction.execute(statements::ROTATE, parameters).await?;
        Ok(())
    };
    idempotency::once(database, once, now, work).await
}
