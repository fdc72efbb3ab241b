//! When a provider at fault is tried again, and how long one is waited for.

use std::time::Duration;

use sdk::Micros;

use super::Platform;
use super::delivery::has_come;

/// After a provider's fault: 10 s, 30 s, 60 s, then the message has failed.
const RETRIES: [u64; 3] = [10_000, 30_000, 60_000];

/// Providers answer in a second or two; the broker waits longer than this for us.
const PATIENCE: u64 = 15_000;

/// More than any provider asks for. What is longer is an outage, which the broker's retries are not for.
const LONGEST_SECONDS: u64 = 3600;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Milliseconds to wait after the first, second, … attempt.
    pub retries: Vec<u64>,
    pub patience: Duration,
}

impl Schedule {
    pub async fn read<P: Platform>(platform: &P) -> Result<Self, String> {
        let retries = platform.variable("outbound_retry_ms").await?;
        let retries =
            retries.map(|list| numbers(&list).ok_or(format!("`outbound_retry_ms` is no list of milliseconds: {list}")));
        let patience = platform.variable("outbound_timeout_ms").await?;
        let patience =
            patience.map(|ms| ms.trim().parse().map_err(|_| format!("`outbound_timeout_ms` is no number: {ms}")));
        Ok(Self {
            retries: retries.transpose()?.unwrap_or_else(|| RETRIES.to_vec()),
            patience: Duration::from_millis(patience.transpose()?.unwrap_or(PATIENCE).max(1)),
        })
    }

    /// When the attempt after number `attempt` is due, not before the provider's own time; `None` when there is none.
    pub fn next(&self, now: Micros, attempt: u32, asked_seconds: Option<u64>) -> Option<Micros> {
        let own = self.retries.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
        let asked = asked_seconds.unwrap_or(0).min(LONGEST_SECONDS).saturating_mul(1000);
        let wait = i64::try_from((*own).max(asked)).unwrap_or(i64::MAX).saturating_mul(1000);
        Some(now.saturating_add(wait))
    }

    /// Whether the time of the next attempt has come.
    pub fn is_due(&self, due: Micros, now: Micros) -> bool {
        let own = self.retries.iter().copied().max().unwrap_or(0);
        let longest = i64::try_from(own.max(LONGEST_SECONDS * 1000)).unwrap_or(i64::MAX).saturating_mul(1000);
        has_come(due, now, longest)
    }
}

fn numbers(list: &str) -> Option<Vec<u64>> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_as_long_as_the_longer_of_both_wants() {
        let schedule = Schedule { retries: vec![10_000, 30_000], patience: Duration::ZERO };
        assert_eq!(schedule.next(0, 1, None), Some(10_000_000));
        assert_eq!(schedule.next(0, 2, Some(5)), Some(30_000_000));
        assert_eq!(schedule.next(0, 1, Some(20)), Some(20_000_000));
        assert_eq!(
            schedule.next(0, 1, Some(u64::MAX)),
            Some(3_600_000_000),
            "no provider stops a conversation for a year"
        );
        assert_eq!(schedule.next(0, 3, Some(5)), None);
    }

    #[test]
    fn a_list_is_numbers_and_nothing_else() {
        assert_eq!(numbers(" 10, 20,30 "), Some(vec![10, 20, 30]));
        assert_eq!(numbers(""), Some(Vec::new()), "no second attempt");
        assert_eq!(numbers("10s"), None);
    }
}
