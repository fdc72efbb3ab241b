//! What is too old goes, from every table of the gateway's.

use sdk::Micros;
use sdk::sql::{Database, Driver, SqlError};

use super::steps::until_done;
use super::{attempts, logs, tokens};

const HOUR_MICROS: Micros = 3_600_000_000;
const DAY_MICROS: Micros = 24 * HOUR_MICROS;
/// An hour fills any bucket: one that nobody has touched for longer is as good as none.
const QUOTAS_KEPT_MICROS: Micros = 2 * HOUR_MICROS;
const SIGN_INS_KEPT_MICROS: Micros = 30 * DAY_MICROS;
/// Keys that opened something once are shown for so long, so that an incident can be looked into.
const DEAD_KEYS_KEPT_MICROS: Micros = 90 * DAY_MICROS;

/// One row is the claim of one instance. A clock that was set back does not keep the next one waiting for long.
pub const CLAIM: &str = "\
    INSERT INTO chores (tenant_id, name, due_at) VALUES ('-', ?1, ?2 + ?3)
    ON CONFLICT (tenant_id, name) DO UPDATE SET due_at = excluded.due_at WHERE due_at <= ?2 OR due_at > excluded.due_at
    RETURNING 1";

pub const QUOTAS: &str = "\
    DELETE FROM quotas WHERE (tenant_id, principal) IN
        (SELECT tenant_id, principal FROM quotas WHERE updated_at < ? ORDER BY updated_at LIMIT ?) RETURNING 1";

pub const REVOKED_KEYS: &str = "\
    DELETE FROM api_keys WHERE (tenant_id, id) IN
        (SELECT tenant_id, id FROM api_keys WHERE revoked_at < ? ORDER BY revoked_at LIMIT ?) RETURNING 1";

pub const ENDED_KEYS: &str = "\
    DELETE FROM api_keys WHERE (tenant_id, id) IN
        (SELECT tenant_id, id FROM api_keys WHERE expires_at < ? ORDER BY expires_at LIMIT ?) RETURNING 1";

/// Whether this instance is the one to do it now.
pub async fn claim<D: Driver>(tables: &Database<D>, name: &str, now: Micros, every: Micros) -> Result<bool, SqlError> {
    Ok(!tables.execute(CLAIM, vec![name.into(), now.into(), every.into()]).await?.is_empty())
}

/// `log_days`: how long requests are kept.
pub async fn by_age<D: Driver>(tables: &Database<D>, now: Micros, log_days: i64) -> Result<(), SqlError> {
    for (statement, kept) in [
        (logs::SWEEP, log_days * DAY_MICROS),
        (attempts::SWEEP, 0),
        (attempts::SWEEP_SIGN_INS, SIGN_INS_KEPT_MICROS),
        (tokens::SWEEP, 0),
        (QUOTAS, QUOTAS_KEPT_MICROS),
        (REVOKED_KEYS, DEAD_KEYS_KEPT_MICROS),
        (ENDED_KEYS, DEAD_KEYS_KEPT_MICROS),
    ] {
        until_done(tables, statement, &[(now - kept).into()]).await?;
    }
    Ok(())
}
