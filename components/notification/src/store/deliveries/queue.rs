//! The queue: which endpoints are due, what waits first for each, and what came of it.

use sdk::{
    Micros,
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

use super::{Attempt, attempts, skip_waiting};
use crate::{endpoint::OldSecrets, notice::Notice, store::notifications};

pub mod statements {
    /// Endpoints with something due that nobody serves. `?1`: now, `?2`: until when they are ours, `?3`: how many.
    pub const CLAIM: &str = "UPDATE webhook_endpoints SET lease_until = ?2 WHERE (tenant_id, id) IN \
         (SELECT tenant_id, id FROM webhook_endpoints WHERE status = 'enabled' AND next_at IS NOT NULL AND next_at <= ?1 \
         AND lease_until <= ?1 ORDER BY next_at LIMIT ?3) \
         RETURNING tenant_id, id, url, secret, old_secrets, failing_since, lease_until";
    pub const FIRST: &str = "SELECT d.event_id, e.type, e.body, d.attempts, d.resumes_as IS NOT NULL \
         FROM webhook_deliveries d CROSS JOIN webhook_events e ON e.tenant_id = d.tenant_id AND e.id = d.event_id \
         WHERE d.tenant_id = ?1 AND d.endpoint_id = ?2 AND d.status = 'waiting' AND d.next_at <= ?3 \
         ORDER BY d.next_at, d.event_id LIMIT 1";
    /// Due again when the first of what waits is, and not before `?4`.
    pub const RELEASE: &str = "UPDATE webhook_endpoints SET lease_until = 0, next_at = \
         (SELECT max(min(next_at), ?4) FROM webhook_deliveries WHERE tenant_id = ?1 AND endpoint_id = ?2 AND status = 'waiting') \
         WHERE tenant_id = ?1 AND id = ?2 AND lease_until = ?3";
    pub const DELIVERED: &str = "UPDATE webhook_deliveries SET status = 'delivered', attempts = attempts + 1, next_at = NULL, \
         resumes_as = NULL, resumes_at = NULL WHERE tenant_id = ? AND endpoint_id = ? AND event_id = ?";
    pub const AS_BEFORE: &str = "UPDATE webhook_deliveries SET status = resumes_as, next_at = resumes_at, \
         resumes_as = NULL, resumes_at = NULL \
         WHERE tenant_id = ? AND endpoint_id = ? AND event_id = ? AND resumes_as IS NOT NULL";
    pub const LATER: &str = "UPDATE webhook_deliveries SET attempts = attempts + 1, \
         status = CASE WHEN ?4 IS NULL THEN 'failed' ELSE 'waiting' END, next_at = ?4, set_at = ?5 \
         WHERE tenant_id = ?1 AND endpoint_id = ?2 AND event_id = ?3";
    pub const HEALTH: &str = "UPDATE webhook_endpoints SET failing_since = CASE WHEN ?3 THEN NULL \
         ELSE min(coalesce(failing_since, ?4), ?4) END WHERE tenant_id = ?1 AND id = ?2 AND (?3 = 0 OR failing_since IS NOT NULL)";
    pub const DISABLE: &str = "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = ?3, updated_at = ?4 \
         WHERE tenant_id = ?1 AND id = ?2";

    pub const ALL: &[&str] = &[FIRST, DELIVERED, AS_BEFORE, LATER, HEALTH, DISABLE];
}

/// An endpoint that is ours to serve until `lease_until`.
#[derive(Clone, Debug)]
pub struct Due {
    pub tenant: String,
    pub id: String,
    pub url: String,
    pub secret: String,
    pub old_secrets: OldSecrets,
    pub failing_since: Option<Micros>,
    lease_until: Micros,
}

/// What is to be sent next.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub event_id: String,
    pub kind: String,
    pub body: String,
    /// So far, by the schedule.
    pub attempts: u32,
    pub is_by_hand: bool,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// An attempt by hand failed: nothing has changed.
    AsBefore,
    At(Micros),
    Failed,
}

pub async fn claim<D: Driver>(
    database: &Database<D>,
    now: Micros,
    until: Micros,
    limit: u32,
) -> Result<Vec<Due>, SqlError> {
    // Nearly always there is nothing: a read finds that out without taking the writer.
    const IS_DUE: &str = "SELECT 1 FROM webhook_endpoints WHERE status = 'enabled' AND next_at IS NOT NULL \
                          AND next_at <= ?1 AND lease_until <= ?1 LIMIT 1";
    if database.execute(IS_DUE, vec![now.into()]).await?.is_empty() {
        return Ok(Vec::new());
    }
    sql::many(database.execute(statements::CLAIM, vec![now.into(), until.into(), limit.into()]).await?, due)
}

fn due(mut row: Row) -> Result<Due, SqlError> {
    Ok(Due {
        tenant: row.take()?,
        id: row.take()?,
        url: row.take()?,
        secret: row.take()?,
        old_secrets: OldSecrets::parse(&row.take::<String>()?),
        failing_since: row.take()?,
        lease_until: row.take()?,
    })
}

pub async fn first<D: Driver>(database: &Database<D>, due: &Due, now: Micros) -> Result<Option<Waiting>, SqlError> {
    let parameters = vec![(&due.tenant).into(), (&due.id).into(), now.into()];
    let read = |mut row: Row| {
        Ok(Waiting {
            event_id: row.take()?,
            kind: row.take()?,
            body: row.take()?,
            attempts: row.take()?,
            is_by_hand: row.take()?,
        })
    };
    sql::one(database.execute(statements::FIRST, parameters).await?, read)
}

/// For who comes next. Who lost the lease meanwhile leaves it to its new holder.
pub async fn release<D: Driver>(database: &Database<D>, due: &Due, not_before: Micros) -> Result<(), SqlError> {
    let parameters = vec![(&due.tenant).into(), (&due.id).into(), due.lease_until.into(), not_before.into()];
    database.execute(statements::RELEASE, parameters).await.map(|_| ())
}

/// The attempt and all that follows from it, in one transaction. With `disabled`, the endpoint takes nothing any more.
pub async fn record<D: Driver>(
    database: &Database<D>,
    due: &Due,
    attempt: &Attempt,
    next: Next,
    disabled: Option<(&'static str, Notice)>,
    now: Micros,
) -> Result<(), SqlError> {
    let (tenant, id) = (due.tenant.as_str(), due.id.as_str());
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        attempts::insert(transaction, tenant, id, attempt).await?;
        proceed(transaction, due, &attempt.event_id, next, now).await?;
        let health = vec![tenant.into(), id.into(), attempt.succeeded.into(), now.into()];
        transaction.execute(statements::HEALTH, health).await?;
        if let Some((reason, notice)) = &disabled {
            let disable = vec![tenant.into(), id.into(), (*reason).into(), now.into()];
            transaction.execute(statements::DISABLE, disable).await?;
            skip_waiting(transaction, tenant, id).await?;
            notifications::insert(transaction, tenant, notice, now).await?;
        }
        Ok(())
    };
    database.transaction(work).await
}

async fn proceed(
    transaction: &impl Execute,
    due: &Due,
    event_id: &str,
    next: Next,
    now: Micros,
) -> Result<(), SqlError> {
    let mut parameters = vec![(&due.tenant).into(), (&due.id).into(), event_id.into()];
    let statement = match next {
        Next::Delivered => statements::DELIVERED,
        Next::AsBefore => statements::AS_BEFORE,
        Next::At(at) => {
            parameters.extend([at.into(), now.into()]);
            statements::LATER
        }
        Next::Failed => {
            parameters.extend([None::<Micros>.into(), now.into()]);
            statements::LATER
        }
    };
    transaction.execute(statement, parameters).await.map(|_| ())
}
