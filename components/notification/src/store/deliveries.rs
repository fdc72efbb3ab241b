//! Deliveries in SQL: events on their way to endpoints, and the log of attempts.

mod attempts;
mod mend;
mod queue;

use sdk::{
    Error, Micros,
    idempotency::{self, Done, Once},
    ids,
    sql::{Database, Driver, Execute, SqlError},
};

use crate::endpoint::{Endpoint, Status};

pub use attempts::{Attempt, attempts};
pub use mend::mend;
pub use queue::{Due, Next, Waiting, claim, first, record, release};

pub mod statements {
    pub use super::{attempts::statements as attempts, mend::statements as mend, queue::statements as queue};

    /// `?4`: from when.
    pub const WAKE: &str = "UPDATE webhook_endpoints SET next_at = min(coalesce(next_at, ?3), ?3) \
                            WHERE tenant_id = ?1 AND id = ?2";
    pub const SKIP: &str = "UPDATE webhook_deliveries SET status = 'skipped', next_at = NULL \
                            WHERE tenant_id = ? AND endpoint_id = ? AND status = 'waiting'";
    pub const RESEND: &str = "UPDATE webhook_deliveries SET resumes_as = coalesce(resumes_as, status), \
         resumes_at = CASE WHEN resumes_as IS NULL THEN next_at ELSE resumes_at END, status = 'waiting', next_at = ?4, set_at = ?4 \
         WHERE tenant_id = ?1 AND endpoint_id = ?2 AND event_id = ?3 RETURNING 1";
    pub const RECOVER: &str = "UPDATE webhook_deliveries SET status = 'waiting', attempts = 0, next_at = ?4, set_at = ?4 \
         WHERE tenant_id = ?1 AND endpoint_id = ?2 AND status IN ('failed', 'skipped') AND event_id IN \
         (SELECT id FROM webhook_events WHERE tenant_id = ?1 AND created_at >= ?3) RETURNING 1";

    pub const ALL: &[&str] = &[WAKE, SKIP, RESEND];
}

/// Its id, which is the `webhook-id` of all its deliveries. By its subject it is found when that is forgotten.
pub async fn insert_event(
    transaction: &impl Execute,
    (tenant, kind, subject): (&str, &str, Option<&str>),
    body: &str,
    now: Micros,
) -> Result<String, SqlError> {
    const INSERT: &str =
        "INSERT INTO webhook_events (tenant_id, id, type, body, created_at, subject) VALUES (?, ?, ?, ?, ?, ?)";
    let id = ids::new();
    let parameters = vec![tenant.into(), (&id).into(), kind.into(), body.into(), now.into(), subject.into()];
    transaction.execute(INSERT, parameters).await?;
    Ok(id)
}

/// Due at once; for an endpoint that is disabled it is noted only, so that `recover` finds it.
pub async fn add(
    transaction: &impl Execute,
    tenant: &str,
    endpoint: &Endpoint,
    event_id: &str,
    now: Micros,
) -> Result<(), SqlError> {
    const INSERT: &str = "INSERT INTO webhook_deliveries (tenant_id, endpoint_id, event_id, status, attempts, next_at, set_at) \
                          VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)";
    let is_enabled = endpoint.status == Status::Enabled;
    let (status, next_at) = if is_enabled { ("waiting", Some(now)) } else { ("skipped", None) };
    let parameters =
        vec![tenant.into(), (&endpoint.id).into(), event_id.into(), status.into(), next_at.into(), now.into()];
    transaction.execute(INSERT, parameters).await?;
    if is_enabled { wake(transaction, tenant, &endpoint.id, now).await } else { Ok(()) }
}

async fn wake(transaction: &impl Execute, tenant: &str, endpoint_id: &str, now: Micros) -> Result<(), SqlError> {
    transaction.execute(statements::WAKE, vec![tenant.into(), endpoint_id.into(), now.into()]).await.map(|_| ())
}

pub async fn skip_waiting(transaction: &impl Execute, tenant: &str, endpoint_id: &str) -> Result<(), SqlError> {
    transaction.execute(statements::SKIP, vec![tenant.into(), endpoint_id.into()]).await.map(|_| ())
}

pub async fn delete_of(transaction: &impl Execute, tenant: &str, endpoint_id: &str) -> Result<(), SqlError> {
    const DELETE: [&str; 2] = [
        "DELETE FROM webhook_deliveries WHERE tenant_id = ? AND endpoint_id = ?",
        "DELETE FROM webhook_attempts WHERE tenant_id = ? AND endpoint_id = ?",
    ];
    for delete in DELETE {
        transaction.execute(delete, vec![tenant.into(), endpoint_id.into()]).await?;
    }
    Ok(())
}

/// Sends an event once more, whatever became of it, if it ever was this endpoint's. An attempt by hand does not
/// count, and when it fails everything is as it was before.
pub async fn resend<D: Driver>(
    database: &Database<D>,
    (tenant, endpoint_id, event_id): (&str, &str, &str),
    now: Micros,
    once: Option<&Once<'_, ()>>,
) -> Result<Done<()>, Error> {
    let work = async |transaction: &D::Connection| -> Result<(), Error> {
        let parameters = vec![tenant.into(), endpoint_id.into(), event_id.into(), now.into()];
        if transaction.execute(statements::RESEND, parameters).await?.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(wake(transaction, tenant, endpoint_id, now).await?)
    };
    idempotency::once(database, once, now, work).await
}

/// Starts over with everything since then that failed or was passed over; how many.
pub async fn recover<D: Driver>(
    database: &Database<D>,
    (tenant, endpoint_id): (&str, &str),
    since: Micros,
    now: Micros,
    once: Option<&Once<'_, usize>>,
) -> Result<Done<usize>, Error> {
    let work = async |transaction: &D::Connection| -> Result<usize, Error> {
        let parameters = vec![tenant.into(), endpoint_id.into(), since.into(), now.into()];
        let recovered = transaction.execute(statements::RECOVER, parameters).await?.len();
        wake(transaction, tenant, endpoint_id, now).await?;
        Ok(recovered)
    };
    idempotency::once(database, once, now, work).await
}

/// An event for this endpoint alone, whatever it wants; its id.
pub async fn send_one<D: Driver>(
    database: &Database<D>,
    (tenant, endpoint): (&str, &Endpoint),
    (kind, body): (&str, &str),
    now: Micros,
    once: Option<&Once<'_, String>>,
) -> Result<Done<String>, Error> {
    let work = async |transaction: &D::Connection| -> Result<String, Error> {
        let id = insert_event(transaction, (tenant, kind, None), body, now).await?;
        add(transaction, tenant, endpoint, &id, now).await?;
        Ok(id)
    };
    idempotency::once(database, once, now, work).await
}
