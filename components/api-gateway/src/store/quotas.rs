//! The table `quotas`: a bucket per principal, out of which instances take tokens in slices.

use sdk::Micros;
use sdk::sql::{Database, Driver, Execute, SqlError};

/// A whole token, in the unit of the column `used`.
pub const TOKEN: i64 = 1_000_000;

/// What has flowed back since the last time is taken off what was used; then a slice is taken, or what is left of the bucket.
/// An hour fills any bucket, so that more of it does not count (and no product grows too large). Parameters: tenant, principal, slice, capacity, now, and
/// microtokens that flow back in an hour.
pub const TAKE: &str = "\
    INSERT INTO quotas (tenant_id, principal, used, updated_at) VALUES (?1, ?2, min(?3, ?4), ?5)
    ON CONFLICT (tenant_id, principal) DO UPDATE SET
        used = min(?4, max(0, used - min(3600000, max(0, ?5 - updated_at) / 1000) * ?6 / 3600000) + ?3),
        updated_at = max(?5, updated_at)
    RETURNING used";

/// As [`TAKE`] leaves it, but nothing taken.
pub const LEVEL: &str = "\
    SELECT max(0, used - min(3600000, max(0, ? - updated_at) / 1000) * ? / 3600000) FROM quotas WHERE tenant_id = ? AND principal = ?";

/// A bucket, how fast it fills, and when.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub capacity_tokens: i64,
    pub per_hour: i64,
    pub now: Micros,
}

impl Bucket {
    /// Microtokens an hour.
    fn flow(self) -> i64 {
        self.per_hour * TOKEN
    }
}

/// Takes up to `slice` tokens: how many were there, and how many are left for others. Both statements are in one transaction,
/// so that what was left before is known.
pub async fn take<D: Driver>(
    tables: &Database<D>,
    tenant: &str,
    principal: &str,
    bucket: Bucket,
    slice: i64,
) -> Result<(i64, i64), SqlError> {
    let capacity = bucket.capacity_tokens * TOKEN;
    tables
        .transaction(async |transaction: &D::Connection| {
            let level = vec![bucket.now.into(), bucket.flow().into(), tenant.into(), principal.into()];
            let used: i64 = match transaction.execute(LEVEL, level).await?.into_iter().next() {
                Some(mut row) => row.take()?,
                None => 0,
            };
            let granted = slice.min((capacity - used) / TOKEN).max(0);
            if granted > 0 {
                let parameters = vec![
                    tenant.into(),
                    principal.into(),
                    (granted * TOKEN).into(),
                    capacity.into(),
                    bucket.now.into(),
                    bucket.flow().into(),
                ];
                transaction.execute(TAKE, parameters).await?;
            }
            Ok((granted, (capacity - used) / TOKEN - granted))
        })
        .await
}
