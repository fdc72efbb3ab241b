//! What a clock that was ahead left behind: leases for hours, and attempts that would come far too late.

use sdk::{
    Micros,
    sql::{Database, Driver, Execute, SqlError},
};

pub mod statements {
    /// `?1`: now; `?2`: a time that no lease reaches; `?3`: a time at which an endpoint rests no more; `?4`: which clocks still differ.
    pub const IS_STRANDED: &str = "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE status = 'waiting' AND set_at > ?4) \
         OR EXISTS (SELECT 1 FROM webhook_endpoints WHERE status = 'enabled' AND next_at > 0 AND lease_until > ?2) \
         OR EXISTS (SELECT 1 FROM webhook_endpoints e WHERE status = 'enabled' AND next_at > ?3 AND lease_until <= ?1 AND EXISTS \
         (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id \
         AND d.status = 'waiting' AND d.next_at <= ?1))";
    /// Due at once, in the order in which they were due.
    pub const DELIVERIES: &str = "UPDATE webhook_deliveries SET next_at = ?1, set_at = ?1 \
         WHERE status = 'waiting' AND set_at > ?2";
    pub const LEASES: &str = "UPDATE webhook_endpoints SET lease_until = 0 \
         WHERE status = 'enabled' AND next_at > 0 AND lease_until > ?1";
    pub const ENDPOINTS: &str = "UPDATE webhook_endpoints SET next_at = ?1 \
         WHERE status = 'enabled' AND next_at > ?1 AND lease_until <= ?1 AND EXISTS \
         (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = webhook_endpoints.tenant_id \
         AND d.endpoint_id = webhook_endpoints.id AND d.status = 'waiting' AND d.next_at <= ?1)";

    pub const ALL: &[&str] = &[IS_STRANDED, DELIVERIES, LEASES, ENDPOINTS];
}

/// Clocks of hosts may differ by so much, and an endpoint rests for less.
const SLACK: Micros = 10_000_000;

/// Makes due what a wrong clock put off; whether there was something. One read when there is nothing.
pub async fn mend<D: Driver>(database: &Database<D>, now: Micros, lease: Micros) -> Result<bool, SqlError> {
    let slack = now.saturating_add(SLACK);
    let no_lease = slack.saturating_add(lease);
    let times = vec![now.into(), no_lease.into(), slack.into(), slack.into()];
    let found = database.execute(statements::IS_STRANDED, times).await?.into_iter().next();
    if !found.map(|mut row| row.take::<bool>()).transpose()?.unwrap_or_default() {
        return Ok(false);
    }
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        transaction.execute(statements::DELIVERIES, vec![now.into(), slack.into()]).await?;
        transaction.execute(statements::LEASES, vec![no_lease.into()]).await?;
        transaction.execute(statements::ENDPOINTS, vec![now.into()]).await.map(|_| ())
    };
    database.transaction(work).await?;
    Ok(true)
}
