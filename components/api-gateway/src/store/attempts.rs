//! The table `attempts`: guesses at passwords, by source and by name, over all instances.

use sdk::Micros;
use sdk::sql::{Database, Driver, SqlError};

use crate::throttle::{BURST, INTERVAL_MICROS};

/// A row when there is room for one more. Counted before the guess is looked at, so that guesses made at once count as well.
pub const CHARGE: &str = "\
    INSERT INTO attempts (tenant_id, subject, forgiven_at) VALUES (?1, ?2, ?3 + ?4)
    ON CONFLICT (tenant_id, subject) DO UPDATE SET forgiven_at = max(forgiven_at, ?3) + ?4 WHERE forgiven_at - ?3 <= ?5
    RETURNING forgiven_at";

pub const REFUND: &str = "\
    UPDATE attempts SET forgiven_at = forgiven_at - ? WHERE tenant_id = ? AND subject = ?";

pub const SWEEP: &str = "\
    DELETE FROM attempts WHERE (tenant_id, subject) IN
        (SELECT tenant_id, subject FROM attempts WHERE forgiven_at < ? ORDER BY forgiven_at LIMIT 5000)";

/// Whether one more may be made.
pub async fn charge<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    subject: &str,
    now: Micros,
) -> Result<bool, SqlError> {
    let room = (BURST - 1) * INTERVAL_MICROS;
    let parameters = vec![tenant.into(), subject.into(), now.into(), INTERVAL_MICROS.into(), room.into()];
    Ok(!tables.execute(CHARGE, parameters).await?.is_empty())
}

/// It was no guess.
pub async fn refund<D: Driver>(tables: &Database<D>, tenant: &str, subject: &str) -> Result<(), SqlError> {
    tables.execute(REFUND, vec![INTERVAL_MICROS.into(), tenant.into(), subject.into()]).await.map(|_| ())
}

pub async fn sweep<D: Driver>(tables: &Database<D>, now: Micros) -> Result<(), SqlError> {
    tables.execute(SWEEP, vec![now.into()]).await.map(|_| ())
}
