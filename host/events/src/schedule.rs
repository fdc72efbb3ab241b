//! When a failed delivery is tried again.

use crate::engine::LONGEST_RETRY;
use std::time::Duration;

/// The default's later delays, in units of the first: 10 s, 30 s, 2 min, 6 min, 20 min, 70 min, 4 h 20 min. Eight attempts
/// over six hours: long enough for a night's repair to be short of it, short enough that somebody hears of it the same day.
const DEFAULT: [u32; 7] = [1, 3, 12, 36, 120, 420, 1560];

/// `Retry-After: 0` would be a loop.
const SHORTEST_WISH: Duration = Duration::from_secs(1);

/// The delays between attempts; there is one attempt more than delays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    pub fn new(delays: Vec<Duration>) -> Self {
        Self(delays)
    }

    /// The default, from its first delay.
    pub fn from_first(first: Duration) -> Self {
        Self(DEFAULT.iter().map(|factor| first.saturating_mul(*factor).min(LONGEST_RETRY)).collect())
    }

    pub fn attempts(&self) -> usize {
        self.0.len() + 1
    }

    pub fn delays(&self) -> &[Duration] {
        &self.0
    }

    /// How long to wait after `failed` failed attempts; `None` when there are no more. `jitter` is from 0 to 1 and moves the
    /// delay by up to a fifth, so that what failed together does not come back together. A consumer that says when is taken
    /// at its word, be it sooner or later than the schedule.
    pub fn delay(&self, failed: u32, jitter: f64, asked: Option<Duration>) -> Option<Duration> {
        let index = usize::try_from(failed.checked_sub(1)?).ok()?;
        let (delay, jitter) = (*self.0.get(index)?, jitter.clamp(0.0, 1.0));
        Some(match asked {
            // A little later, never sooner. Clamped before it is multiplied: a hostile wish must not overflow.
            Some(asked) => asked.clamp(SHORTEST_WISH, LONGEST_RETRY).mul_f64(1.0 + 0.1 * jitter),
            None => delay.mul_f64(0.8 + 0.4 * jitter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_attempts_over_about_six_hours() {
        let schedule = Schedule::from_first(Duration::from_secs(10));
        assert_eq!(schedule.attempts(), 8);
        let hours = schedule.delays().iter().sum::<Duration>().as_secs_f64() / 3600.0;
        assert!((5.5..6.5).contains(&hours), "{hours}");
    }

    #[test]
    fn jitter_stays_within_a_fifth_and_the_last_attempt_is_the_last() {
        let schedule = Schedule::new(vec![Duration::from_secs(10)]);
        assert_eq!(schedule.delay(1, 0.0, None), Some(Duration::from_secs(8)));
        assert_eq!(schedule.delay(1, 1.0, None), Some(Duration::from_secs(12)));
        assert_eq!(schedule.delay(2, 0.5, None), None);
        assert_eq!(Schedule::new(Vec::new()).delay(1, 0.5, None), None);
    }

    #[test]
    fn the_consumers_wish_is_the_delay_within_bounds() {
        let schedule = Schedule::new(vec![Duration::from_secs(10)]);
        let asked = |seconds| schedule.delay(1, 0.0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(60), Some(Duration::from_secs(60)));
        assert_eq!(asked(2), Some(Duration::from_secs(2)));
        assert_eq!(asked(0), Some(SHORTEST_WISH));
        assert_eq!(asked(u64::MAX), Some(LONGEST_RETRY));
        assert_eq!(schedule.delay(2, 0.0, Some(Duration::from_secs(1))), None, "but no further attempts");
    }
}
