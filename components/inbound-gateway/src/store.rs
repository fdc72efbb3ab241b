//! The gateway's SQL: deliveries here, as operators see them in `store/deliveries.rs`, channel accounts in `store/accounts.rs`, files to fetch
//! in `store/attachments.rs`, files that came along in `store/files.rs`.

pub mod accounts;
pub mod attachments;
pub mod deliveries;
pub mod erased;
pub mod files;

use sdk::idempotency;
use sdk::sql::{Database, Driver, Migration, Row, SqlError, list};

use crate::domain::delivery::{Claimed, Conclusion, NewDelivery, State, Store};

pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_webhook_deliveries.sql")),
    Migration::new(2, include_str!("../migrations/0002_query.sql")),
    Migration::new(3, include_str!("../migrations/0003_channel_accounts.sql")),
    Migration::new(4, idempotency::MIGRATION),
    Migration::new(5, include_str!("../migrations/0005_attachments.sql")),
    Migration::new(6, include_str!("../migrations/0006_webhook_files.sql")),
    Migration::new(7, include_str!("../migrations/0007_claims.sql")),
    Migration::new(8, include_str!("../migrations/0008_review.sql")),
];

/// Nothing, when the claims to an account (`?12`: a list of `[name, version]`, see [`Claims`](crate::domain::directory::Claims)) are no
/// longer as they were looked up: so whose it is and who signed it is true at the commit, with nothing asked before it. One round trip,
/// one commit.
pub const INSERT: &str = "
INSERT INTO webhook_deliveries
  (tenant_id, id, channel, channel_account_id, received_at, state, lease_until, attempts, outcome, headers, query, body, grants)
SELECT ?3, ?4, ?1, ?2, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?11, ?13
WHERE NOT EXISTS (
  SELECT 1 FROM json_each(?12) j
  WHERE coalesce((SELECT sum(updated_at % 1099511627776) FROM channel_accounts WHERE kind = ?1 AND provider_id = j.value ->> 0), 0) <> j.value ->> 1)
RETURNING tenant_id";

/// One statement, so that no two claimants get the same delivery.
pub const CLAIM: &str = "
UPDATE webhook_deliveries SET lease_until = ?2, attempts = attempts + 1
WHERE (tenant_id, id) IN (
  SELECT tenant_id, id FROM webhook_deliveries
  WHERE state = 'pending' AND lease_until <= ?1 ORDER BY lease_until LIMIT ?3)
RETURNING tenant_id, id, channel, received_at, attempts, outcome, query, body, grants";

/// An attempt that lost its lease may still say that all is done: it is. That it is not done is for the latest one to say.
pub const CONCLUDE: &str = "
UPDATE webhook_deliveries SET state = ?1, lease_until = ?2, outcome = ?3
WHERE tenant_id = ?4 AND id = ?5 AND state IN ('pending', 'failed') AND (?1 = 'done' OR attempts = ?6)";

/// As [`CONCLUDE`] does it with those that are done. `?1`: a list of `[tenant, id, outcome]`.
pub const CONCLUDE_DONE: &str = "
UPDATE webhook_deliveries SET state = 'done', lease_until = NULL, outcome = j.value ->> 2
FROM json_each(?1) j
WHERE webhook_deliveries.tenant_id = j.value ->> 0 AND webhook_deliveries.id = j.value ->> 1
  AND state IN ('pending', 'failed')";

/// Outcomes beyond this, of deliveries with a thousand items, are written alone: together they would be a large statement.
const SMALL_OUTCOME_BYTES: usize = 64 << 10;

/// A lease is a minute, a retry after attempt n at most 6.25 s * 2^(n-1) away (see [`retry_at`](crate::domain::delivery::retry_at)); half a
/// minute more for clocks that differ.
pub const MEND: &str = "
UPDATE webhook_deliveries SET lease_until = ?1
WHERE (tenant_id, id) IN (
  SELECT tenant_id, id FROM webhook_deliveries
  WHERE state = 'pending' AND lease_until > ?1 + 90000000 AND lease_until > ?1 + 30000000 + (6250000 << min(attempts - 1, 10))
  ORDER BY lease_until LIMIT ?2)";

pub const SWEEP_FAILED: &str = "
DELETE FROM webhook_deliveries
WHERE (tenant_id, id) IN (
  SELECT tenant_id, id FROM webhook_deliveries WHERE state = 'failed' AND received_at < ?1 ORDER BY received_at LIMIT ?2)
RETURNING 1";

pub const SWEEP: &str = "
DELETE FROM webhook_deliveries
WHERE (tenant_id, id) IN (
  SELECT tenant_id, id FROM webhook_deliveries
  WHERE state IN ('done', 'rejected') AND received_at < ?1 ORDER BY received_at LIMIT ?2)
RETURNING 1";

/// `Store` in the gateway's own database.
pub struct SqlStore<D>(Database<D>);

impl<D: Driver> SqlStore<D> {
    pub fn new(driver: D) -> Self {
        Self(Database::new(driver, MIGRATIONS))
    }

    pub fn driver(&self) -> &D {
        self.0.driver()
    }

    pub fn database(&self) -> &Database<D> {
        &self.0
    }

    /// How many rows this took away.
    async fn deleted(&self, statement: &str, before: i64, limit: u32) -> Result<u64, String> {
        let rows = self.0.execute(statement, vec![before.into(), limit.into()]).await.map_err(reason)?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }

    /// Whether it was stored.
    async fn add(&self, delivery: &NewDelivery<'_>, state: &str, outcome: Option<&str>) -> Result<bool, SqlError> {
        let parameters = vec![
            delivery.channel.into(),
            delivery.account.into(),
            delivery.tenant.into(),
            delivery.id.into(),
            delivery.received_at.into(),
            state.into(),
            (state == "pending").then_some(delivery.lease_until).into(),
            outcome.into(),
            delivery.headers.into(),
            delivery.query.into(),
            delivery.body.to_vec().into(),
            list(delivery.versions)?,
            delivery.grants.into(),
        ];
        Ok(!self.0.execute(INSERT, parameters).await?.is_empty())
    }
}

impl<D: Driver> Store for SqlStore<D> {
    async fn insert(&self, delivery: &NewDelivery<'_>) -> Result<bool, String> {
        self.add(delivery, "pending", None).await.map_err(reason)
    }

    async fn insert_rejected(&self, delivery: &NewDelivery<'_>, why: &str) -> Result<bool, String> {
        let outcome = serde_json::json!([{ "at": "", "outcome": "rejected", "reason": why }]).to_string();
        self.add(delivery, "rejected", Some(&outcome)).await.map_err(reason)
    }

    async fn claim(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<Claimed>, String> {
        let rows = self.0.execute(CLAIM, vec![now.into(), lease_until.into(), limit.into()]).await.map_err(reason)?;
        rows.into_iter().map(claimed).collect::<Result<_, _>>().map_err(reason)
    }

    async fn conclude(&self, conclusion: &Conclusion) -> Result<(), String> {
        let (state, lease_until) = match conclusion.state {
            State::Pending { retry_at } => ("pending", Some(retry_at)),
            State::Done => ("done", None),
            State::Failed => ("failed", None),
        };
        let parameters = vec![
            state.into(),
            lease_until.into(),
            (&conclusion.outcome).into(),
            (&conclusion.tenant).into(),
            (&conclusion.id).into(),
            conclusion.attempt.into(),
        ];
        self.0.execute(CONCLUDE, parameters).await.map_err(reason)?;
        Ok(())
    }

    async fn conclude_many(&self, conclusions: &[Conclusion]) -> Result<(), String> {
        let is_plain = |c: &&Conclusion| c.state == State::Done && c.outcome.len() <= SMALL_OUTCOME_BYTES;
        let (plain, others): (Vec<_>, Vec<_>) = conclusions.iter().partition(is_plain);
        match plain.as_slice() {
            [] => {}
            [only] => self.conclude(only).await?,
            several => {
                let rows: Vec<_> = several.iter().map(|c| [&c.tenant, &c.id, &c.outcome]).collect();
                self.0.execute(CONCLUDE_DONE, vec![list(&rows).map_err(reason)?]).await.map_err(reason)?;
            }
        }
        for other in others {
            self.conclude(other).await?;
        }
        Ok(())
    }

    async fn mend(&self, now: i64, limit: u32) -> Result<(), String> {
        self.0.execute(MEND, vec![now.into(), limit.into()]).await.map_err(reason)?;
        Ok(())
    }

    async fn sweep(&self, before: i64, limit: u32) -> Result<u64, String> {
        self.deleted(SWEEP, before, limit).await
    }

    async fn sweep_failed(&self, before: i64, limit: u32) -> Result<u64, String> {
        self.deleted(SWEEP_FAILED, before, limit).await
    }
}

fn claimed(mut row: Row) -> Result<Claimed, SqlError> {
    Ok(Claimed {
        tenant: row.take()?,
        id: row.take()?,
        channel: row.take()?,
        received_at: row.take()?,
        attempts: row.take()?,
        outcome: row.take()?,
        query: row.take()?,
        body: row.take()?,
        grants: row.take()?,
    })
}

fn reason(error: SqlError) -> String {
    error.to_string()
}
