//! The tables `attempts` and `sign_ins`: guesses at passwords, over all instances, and from where users have signed in.

use sdk::Micros;
use sdk::sql::{Database, Driver, Execute, SqlError};

use crate::throttle::{Admission, Attempt, BURST, INTERVAL_MICROS, NAME_BURST, NO_TENANT};

/// A row when there is room for one more. Counted before the guess is looked at, so that guesses made at once count as well.
pub const CHARGE: &str = "\
    INSERT INTO attempts (tenant_id, subject, forgiven_at) VALUES (?1, ?2, ?3 + ?4)
    ON CONFLICT (tenant_id, subject) DO UPDATE SET forgiven_at = max(forgiven_at, ?3) + ?4 WHERE forgiven_at - ?3 <= ?5
    RETURNING forgiven_at";

pub const REFUND: &str = "\
    UPDATE attempts SET forgiven_at = forgiven_at - ? WHERE tenant_id = ? AND subject = ?";

pub const SWEEP: &str = "\
    DELETE FROM attempts WHERE (tenant_id, subject) IN
        (SELECT tenant_id, subject FROM attempts WHERE forgiven_at < ? ORDER BY forgiven_at LIMIT ?) RETURNING 1";

pub const HAS_SIGNED_IN: &str = "SELECT 1 FROM sign_ins WHERE tenant_id = ? AND subject = ? AND source = ?";

pub const NOTE_SIGN_IN: &str = "\
    INSERT INTO sign_ins (tenant_id, subject, source, last_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant_id, subject, source) DO UPDATE SET last_at = max(last_at, excluded.last_at)";

/// Of each user the latest 32 places.
pub const FORGET_SIGN_INS: &str = "\
    DELETE FROM sign_ins WHERE tenant_id = ?1 AND subject = ?2 AND source NOT IN
        (SELECT source FROM sign_ins WHERE tenant_id = ?1 AND subject = ?2 ORDER BY last_at DESC LIMIT 32)";

pub const SWEEP_SIGN_INS: &str = "\
    DELETE FROM sign_ins WHERE (tenant_id, subject, source) IN
        (SELECT tenant_id, subject, source FROM sign_ins WHERE last_at < ? ORDER BY last_at LIMIT ?) RETURNING 1";

/// Counts the attempt, and says whether it may be looked at. `exists`: there is a user of this name; of others a source that has used
/// up its attempts makes no row, so that strangers cannot fill the table.
pub async fn admit<D: Driver>(
    tables: &Database<D>,
    attempt: &Attempt<'_>,
    exists: bool,
    now: Micros,
) -> Result<Admission, SqlError> {
    tables
        .transaction(async |transaction: &D::Connection| {
            let is_source_spent = !charge(transaction, NO_TENANT, attempt.source, BURST, now).await?;
            if is_source_spent && !exists {
                return Ok(Admission::Refused);
            }
            if !charge(transaction, attempt.tenant, &attempt.pair(), BURST, now).await? {
                return Ok(Admission::Refused);
            }
            let may = charge(transaction, attempt.tenant, attempt.name, NAME_BURST, now).await?
                || has_signed_in(transaction, attempt).await?;
            Ok(if may { Admission::Admitted { is_source_spent } } else { Admission::Refused })
        })
        .await
}

async fn charge(
    connection: &impl Execute,
    tenant: &str,
    subject: &str,
    burst: i64,
    now: Micros,
) -> Result<bool, SqlError> {
    let room = (burst - 1) * INTERVAL_MICROS;
    let parameters = vec![tenant.into(), subject.into(), now.into(), INTERVAL_MICROS.into(), room.into()];
    Ok(!connection.execute(CHARGE, parameters).await?.is_empty())
}

async fn has_signed_in(connection: &impl Execute, attempt: &Attempt<'_>) -> Result<bool, SqlError> {
    let parameters = vec![attempt.tenant.into(), attempt.name.into(), attempt.source.into()];
    Ok(!connection.execute(HAS_SIGNED_IN, parameters).await?.is_empty())
}

/// It was no guess: what it was charged is given back, and the place is remembered.
pub async fn forgive<D: Driver>(
    tables: &Database<D>,
    attempt: &Attempt<'_>,
    is_source_spent: bool,
    now: Micros,
) -> Result<(), SqlError> {
    let (tenant, name) = (attempt.tenant, attempt.name);
    tables
        .transaction(async |transaction: &D::Connection| {
            let pair = attempt.pair();
            let charged = [(tenant, pair.as_str()), (tenant, name), (NO_TENANT, attempt.source)];
            // A source that was spent was not charged: it comes last.
            for (tenant, subject) in charged.into_iter().take(if is_source_spent { 2 } else { 3 }) {
                transaction.execute(REFUND, vec![INTERVAL_MICROS.into(), tenant.into(), subject.into()]).await?;
            }
            let place = vec![tenant.into(), name.into(), attempt.source.into(), now.into()];
            transaction.execute(NOTE_SIGN_IN, place).await?;
            transaction.execute(FORGET_SIGN_INS, vec![tenant.into(), name.into()]).await.map(|_| ())
        })
        .await
}
