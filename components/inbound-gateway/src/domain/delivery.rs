//! A delivery: the raw webhook as it came, and how far the work on it is.

/// The tenant of every account that is not listed in `channel_accounts`.
pub const DEFAULT_TENANT: &str = "default";

/// After this many attempts a delivery is `failed`: visible, kept for a longer time, and touched by nobody but an operator.
pub const MAX_ATTEMPTS: u32 = 20;

/// How long a claimed delivery is left alone: three times the longest attempt, so that only a crash lets it lapse.
pub const LEASE_MICROS: i64 = 60 * 1_000_000;

/// A delivery on its way in, with its first attempt already claimed by whoever stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery<'a> {
    pub id: &'a str,
    pub channel: &'static str,
    /// Owns it.
    pub tenant: &'a str,
    /// The first account that it names.
    pub account: Option<&'a str>,
    /// JSON: for which of its accounts its signer may speak.
    pub grants: &'a str,
    /// The accounts that were looked up for it, each in its version.
    pub versions: &'a [(String, i64)],
    pub received_at: i64,
    pub lease_until: i64,
    /// A JSON object: the headers that an investigation would ask for.
    pub headers: &'a str,
    /// Of the address that was called, without `?`.
    pub query: &'a str,
    pub body: &'a [u8],
}

/// A delivery that the tick took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub tenant: String,
    pub id: String,
    pub channel: String,
    pub received_at: i64,
    /// This attempt included.
    pub attempts: u32,
    pub query: String,
    pub body: Vec<u8>,
    /// As they were stored; none with a delivery from before they were.
    pub grants: Option<String>,
    /// What earlier attempts settled, as JSON.
    pub outcome: Option<String>,
}

/// What an attempt leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    pub tenant: String,
    pub id: String,
    /// The attempt that speaks. One that lost its lease to a later attempt may say that all is done, but not that it is not.
    pub attempt: u32,
    pub state: State,
    /// JSON.
    pub outcome: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending { retry_at: i64 },
    Done,
    Failed,
}

/// Where deliveries live.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Store {
    /// Durable when it answers `true`. `false`: an account is no longer in the version that was looked up, and nothing is stored.
    async fn insert(&self, delivery: &NewDelivery<'_>) -> Result<bool, String>;
    /// Keeps what was signed but cannot be read.
    async fn insert_rejected(&self, delivery: &NewDelivery<'_>, reason: &str) -> Result<bool, String>;
    /// Takes over up to `limit` unfinished deliveries whose lease has run out, for one more attempt each. No two callers get the same.
    async fn claim(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<Claimed>, String>;
    async fn conclude(&self, conclusion: &Conclusion) -> Result<(), String>;
    /// The same for several, which nearly always are done. An error may have spared some of them.
    async fn conclude_many(&self, conclusions: &[Conclusion]) -> Result<(), String>;
    /// Makes up to `limit` unfinished deliveries due that would wait for longer than any lease or retry does: a clock that was ahead set
    /// their time.
    async fn mend(&self, now: i64, limit: u32) -> Result<(), String>;
    /// Deletes up to `limit` deliveries that came before `before` and are done, or could not be read. Answers how many went.
    async fn sweep(&self, before: i64, limit: u32) -> Result<u64, String>;
    /// The same with those that failed.
    async fn sweep_failed(&self, before: i64, limit: u32) -> Result<u64, String>;
}

/// When the next attempt is due after attempt number `attempt`: 5 s, 10 s, 20 s, …, at most an hour, half a day in all.
///
/// Up to a quarter is added, by the delivery's id, so that an outage's deliveries do not all come back in one moment.
pub fn retry_at(now: i64, attempt: u32, id: &str) -> i64 {
    const FIRST: i64 = 5 * 1_000_000;
    const LONGEST: i64 = 3600 * 1_000_000;
    let delay = FIRST.saturating_mul(1_i64.checked_shl(attempt.saturating_sub(1).min(32)).unwrap_or(1)).min(LONGEST);
    let spread = i64::from(id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)));
    now.saturating_add(delay).saturating_add(delay / 1024 * spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_up_to_an_hour() {
        let delay = |attempt| retry_at(0, attempt, "id") / 1_000_000;
        assert!((5..7).contains(&delay(1)));
        assert!((40..51).contains(&delay(4)));
        assert!((3600..4501).contains(&delay(11)));
        assert!((3600..4501).contains(&delay(u32::MAX)));
    }

    #[test]
    fn deliveries_of_one_moment_come_back_at_different_ones() {
        assert_ne!(
            retry_at(0, 8, "0197a6c0-0000-7000-8000-000000000001"),
            retry_at(0, 8, "0197a6c0-0000-7000-8000-000000000002")
        );
    }
}
