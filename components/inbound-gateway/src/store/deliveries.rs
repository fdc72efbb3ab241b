//! Deliveries as their tenant's operators see them, and their second chance, in SQL.

use sdk::idempotency::{self, Done, Once};
use sdk::sql::{self, Driver, Execute, Row, SqlError};
use sdk::{Error, Micros};

use super::SqlStore;
use crate::domain::review::{Filter, Kept, Review, Word};

macro_rules! columns {
    () => {
        "id, channel, channel_account_id, state, received_at, attempts, lease_until, outcome, octet_length(body)"
    };
}

/// Newest first: ids are UUIDv7. Each filter is a statement of its own, for the index that serves it.
pub mod statements {
    pub const ALL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE tenant_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    );
    pub const DONE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE tenant_id = ?1 AND id < ?2 AND state = 'done' ORDER BY id DESC LIMIT ?3"
    );
    /// Few are pending, of all tenants together: they are found by their queue, then sorted.
    pub const PENDING: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM webhook_deliveries \
         WHERE state = 'pending' AND lease_until > 0 AND tenant_id = ?1 AND id < ?2) ORDER BY id DESC LIMIT ?3"
    );
    /// The list stands there for its index, which has these two only.
    pub const REJECTED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE tenant_id = ?1 AND state IN ('rejected', 'failed') \
         AND state = 'rejected' AND id < ?2 ORDER BY id DESC LIMIT ?3"
    );
    pub const FAILED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE tenant_id = ?1 AND state IN ('rejected', 'failed') \
         AND state = 'failed' AND id < ?2 ORDER BY id DESC LIMIT ?3"
    );
    pub const WITH_REJECTED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_deliveries WHERE tenant_id = ?1 AND id < ?2 AND instr(outcome, '\"outcome\":\"rejected\"') > 0 \
         ORDER BY id DESC LIMIT ?3"
    );
    pub const ONE: &str = concat!(
        "SELECT ",
        columns!(),
        ", headers, substr(body, 1, ?3) FROM webhook_deliveries WHERE tenant_id = ?1 AND id = ?2"
    );
    pub const HEAD: &str = concat!("SELECT ", columns!(), " FROM webhook_deliveries WHERE tenant_id = ?1 AND id = ?2");
    pub const REDRIVE: &str = "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, lease_until = ?3, outcome = ?4 \
         WHERE tenant_id = ?1 AND id = ?2";

    pub const PLANNED: &[&str] = &[ALL, DONE, REJECTED, FAILED, WITH_REJECTED, ONE, HEAD, REDRIVE];
}

impl<D: Driver> Review for SqlStore<D> {
    async fn deliveries(&self, tenant: &str, filter: Filter, before: &str, limit: u32) -> Result<Vec<Kept>, Error> {
        let statement = match filter {
            Filter::All => statements::ALL,
            Filter::Of(Word::Pending) => statements::PENDING,
            Filter::Of(Word::Done) => statements::DONE,
            Filter::Of(Word::Rejected) => statements::REJECTED,
            Filter::Of(Word::Failed) => statements::FAILED,
            Filter::WithRejectedItems => statements::WITH_REJECTED,
        };
        let rows = self.0.execute(statement, vec![tenant.into(), before.into(), limit.into()]).await?;
        Ok(sql::many(rows, |mut row| kept(&mut row))?)
    }

    async fn delivery(&self, tenant: &str, id: &str, body_bytes: u32) -> Result<Option<Kept>, Error> {
        let rows = self.0.execute(statements::ONE, vec![tenant.into(), id.into(), body_bytes.into()]).await?;
        let whole = |mut row: Row| {
            let kept = kept(&mut row)?;
            Ok(Kept { headers: row.take()?, body: row.take()?, ..kept })
        };
        Ok(sql::one(rows, whole)?)
    }

    async fn redrive(
        &self,
        tenant: &str,
        id: &str,
        now: Micros,
        once: Option<&Once<'_, ()>>,
    ) -> Result<Done<()>, Error> {
        idempotency::once(&self.0, once, now, async |transaction: &D::Connection| {
            let rows = transaction.execute(statements::HEAD, vec![tenant.into(), id.into()]).await?;
            let found = sql::one(rows, |mut row| kept(&mut row))?.ok_or(Error::NotFound)?;
            let settled = found.reopened()?.to_json();
            let parameters = vec![tenant.into(), id.into(), now.into(), settled.into()];
            transaction.execute(statements::REDRIVE, parameters).await?;
            Ok(())
        })
        .await
    }
}

/// In the order of `columns!`.
fn kept(row: &mut Row) -> Result<Kept, SqlError> {
    Ok(Kept {
        id: row.take()?,
        channel: row.take()?,
        account: row.take()?,
        state: row.word(Word::parse)?,
        received_at: row.take()?,
        attempts: row.take()?,
        due_at: row.take()?,
        outcome: row.take()?,
        size_bytes: row.take()?,
        headers: String::new(),
        body: Vec::new(),
    })
}
