//! The table `erasures`: deleted tenants whose data is still somewhere.

use sdk::Micros;
use sdk::erase::{IDEMPOTENCY, Table};
use sdk::sql::{Database, Driver, Execute, SqlError};

/// The gateway's own tables. The tenant itself stays, so that its name is never used again.
pub const ERASED: &[Table] = &[
    Table::new("api_keys", "tenant_id, id"),
    Table::new("users", "tenant_id, id"),
    Table::new("sign_ins", "tenant_id, subject, source"),
    Table::new("attempts", "tenant_id, subject"),
    Table::new("quotas", "tenant_id, principal"),
    Table::new("revoked_tokens", "tenant_id, token_id"),
    Table::new("api_logs", "tenant_id, id"),
    IDEMPOTENCY,
];

/// In this order: first what lets new data in.
pub const SERVICES: [&str; 9] = [
    "api-gateway",
    "inbound-gateway",
    "outbound-gateway",
    "notification",
    "messaging",
    "conversation",
    "customer",
    "media",
    "chat-simulator",
];

/// So many are gone on with at once.
const MAX_DUE: u32 = 100;
/// A service is asked until nothing is left, and once more.
const ROUNDS: u32 = 2;

pub const BEGIN: &str = "\
    INSERT INTO erasures (tenant_id, service, rounds, due_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";

pub const DUE: &str = "\
    SELECT tenant_id, service FROM erasures WHERE due_at <= ? ORDER BY due_at LIMIT ?";

pub const END: &str = "\
    DELETE FROM erasures WHERE tenant_id = ? AND service = ? AND rounds <= 1 AND ?";

pub const PUT_OFF: &str = "\
    UPDATE erasures SET rounds = rounds - ?, due_at = ? WHERE tenant_id = ? AND service = ?";

/// A service that has something of a deleted tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub tenant: String,
    pub service: String,
}

/// In the transaction that deletes the tenant. Due one microsecond after the other, so that they are done in their order.
pub async fn begin(transaction: &impl Execute, tenant: &str, now: Micros) -> Result<(), SqlError> {
    for (at, service) in (now - 10..).zip(SERVICES) {
        transaction.execute(BEGIN, vec![tenant.into(), service.into(), ROUNDS.into(), at.into()]).await?;
    }
    Ok(())
}

pub async fn due<D: Driver>(tables: &Database<D>, now: Micros) -> Result<Vec<Erasure>, SqlError> {
    let rows = tables.execute(DUE, vec![now.into(), MAX_DUE.into()]).await?;
    rows.into_iter().map(|mut row| Ok(Erasure { tenant: row.take()?, service: row.take()? })).collect()
}

/// `is_done`: nothing was left this time.
pub async fn note<D: Driver>(
    tables: &Database<D>,
    erasure: &Erasure,
    is_done: bool,
    due_at: Micros,
) -> Result<(), SqlError> {
    let (tenant, service) = (&erasure.tenant, &erasure.service);
    tables.execute(END, vec![tenant.into(), service.into(), is_done.into()]).await?;
    let put_off = vec![u32::from(is_done).into(), due_at.into(), tenant.into(), service.into()];
    tables.execute(PUT_OFF, put_off).await.map(|_| ())
}
