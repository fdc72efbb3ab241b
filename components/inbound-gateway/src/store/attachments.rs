//! The queue of attachments, in SQL.

use sdk::sql::{Driver, Row, SqlError, list};
use serde_json::json;

use super::{SqlStore, reason};
use crate::attachments::source::Place;
use crate::attachments::{Claimed, Queue, Wanted, longest_waits};
use crate::domain::files::Holder;

pub const WANT: &str = "
INSERT INTO attachments
  (tenant_id, reference, message_id, conversation_id, channel, channel_account_id, source, state, attempts, due_at, created_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, 'pending', 0, ?2, ?2
FROM json_each(?1) WHERE true
ON CONFLICT DO NOTHING";

/// One statement, so that no two claimants get the same file.
pub const CLAIM: &str = "
UPDATE attachments SET due_at = ?2, attempts = attempts + 1
WHERE (tenant_id, reference) IN (
  SELECT tenant_id, reference FROM attachments WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at LIMIT ?3)
RETURNING tenant_id, reference, message_id, conversation_id, channel, channel_account_id, source, attempts";

pub const SETTLE: &str = "
UPDATE attachments SET state = ?3, reason = ?4, due_at = NULL WHERE tenant_id = ?1 AND reference = ?2";

pub const POSTPONE: &str = "
UPDATE attachments SET due_at = ?3, reason = ?4 WHERE tenant_id = ?1 AND reference = ?2 AND state = 'pending'";

/// As the deliveries are mended. The lease is 90 s; `?3` says, by attempts, how long a retry may be away, and `?4` for all others.
pub const MEND: &str = "
UPDATE attachments SET due_at = ?1
WHERE (tenant_id, reference) IN (
  SELECT tenant_id, reference FROM attachments
  WHERE state = 'pending' AND due_at > ?1 + 120000000
    AND due_at > ?1 + coalesce((SELECT j.value FROM json_each(?3) j WHERE j.key = attempts), ?4)
  ORDER BY due_at LIMIT ?2)";

/// Also what still waits: no provider has a file for so long.
pub const SWEEP: &str = "
DELETE FROM attachments
WHERE (tenant_id, reference) IN (SELECT tenant_id, reference FROM attachments WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)
RETURNING 1";

impl<D: Driver> Queue for SqlStore<D> {
    async fn want(&self, wanted: &[Wanted], now: i64) -> Result<(), String> {
        let rows = wanted.iter().map(|one| {
            let source = serde_json::to_string(&one.source).map_err(|error| error.to_string())?;
            let Wanted { tenant, reference, message_id, conversation_id, channel, channel_account_id, .. } = one;
            Ok(json!([tenant, reference, message_id, conversation_id, channel, channel_account_id, source]))
        });
        let rows = rows.collect::<Result<Vec<_>, String>>()?;
        self.0.execute(WANT, vec![list(&rows).map_err(reason)?, now.into()]).await.map_err(reason)?;
        Ok(())
    }

    async fn claim_wanted(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<Claimed>, String> {
        let rows = self.0.execute(CLAIM, vec![now.into(), lease_until.into(), limit.into()]).await.map_err(reason)?;
        rows.into_iter().map(claimed).collect::<Result<_, _>>().map_err(reason)
    }

    async fn settle(&self, wanted: &Wanted, failure: Option<&str>) -> Result<(), String> {
        let state = if failure.is_some() { "failed" } else { "ready" };
        let parameters = vec![(&wanted.tenant).into(), (&wanted.reference).into(), state.into(), failure.into()];
        self.0.execute(SETTLE, parameters).await.map_err(reason)?;
        match (&wanted.source.place, failure) {
            (Place::Carried { delivery, file }, None) => {
                let holder = Holder { tenant: wanted.tenant.clone(), delivery: delivery.clone() };
                self.drop_file(&holder, *file).await
            }
            // What failed stays with its delivery, for whoever looks into it.
            _ => Ok(()),
        }
    }

    async fn postpone(&self, wanted: &Wanted, due_at: i64, why: &str) -> Result<(), String> {
        let parameters = vec![(&wanted.tenant).into(), (&wanted.reference).into(), due_at.into(), why.into()];
        self.0.execute(POSTPONE, parameters).await.map_err(reason)?;
        Ok(())
    }

    async fn mend_wanted(&self, now: i64, limit: u32) -> Result<(), String> {
        let waits = longest_waits();
        let all_others = waits.last().copied().unwrap_or_default();
        let parameters = vec![now.into(), limit.into(), list(&waits).map_err(reason)?, all_others.into()];
        self.0.execute(MEND, parameters).await.map_err(reason)?;
        Ok(())
    }

    async fn sweep_wanted(&self, before: i64, limit: u32) -> Result<u64, String> {
        let rows = self.0.execute(SWEEP, vec![before.into(), limit.into()]).await.map_err(reason)?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}

fn claimed(mut row: Row) -> Result<Claimed, SqlError> {
    Ok(Claimed {
        wanted: Wanted {
            tenant: row.take()?,
            reference: row.take()?,
            message_id: row.take()?,
            conversation_id: row.take()?,
            channel: row.take()?,
            channel_account_id: row.take()?,
            source: {
                let source: String = row.take()?;
                serde_json::from_str(&source).map_err(|error| SqlError::Row(format!("source: {error}")))?
            },
        },
        attempts: row.take()?,
    })
}
