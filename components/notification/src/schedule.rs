//! When a delivery that failed is tried again, and when an endpoint is given up.

use std::time::Duration;

use sdk::Micros;

const SECOND: Micros = 1_000_000;
const HOUR: Micros = 3600 * SECOND;

/// What comes before each further attempt: Standard Webhooks' own, ten attempts over about three days. The first is a
/// setting (`webhook_first_retry_ms`), 5 s unless it is set.
const DELAYS: [Micros; 9] =
    [5 * SECOND, 300 * SECOND, 1800 * SECOND, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// An endpoint that has taken nothing for so long takes nothing any more.
pub const GIVE_UP: Micros = 5 * 24 * HOUR;

/// After an attempt that an endpoint did not answer well it is left alone for a moment: what waits behind would fare no better.
pub const BREATHER: Micros = 2 * SECOND;

/// How long to wait after attempt `number` (1 is the first); `None` when it was the last.
pub fn delay(number: u32, first_retry: Option<Micros>, asked: Option<Duration>, spread: u8) -> Option<Micros> {
    let index = usize::try_from(number.saturating_sub(1)).ok()?;
    let planned = *DELAYS.get(index)?;
    let planned = if index == 0 { first_retry.unwrap_or(planned) } else { planned };
    // Up to a tenth later, so that what failed together does not come back together.
    let spread_out = planned.saturating_add(planned / 2560 * Micros::from(spread));
    let asked = asked.map_or(0, |asked| Micros::try_from(asked.as_micros()).unwrap_or(Micros::MAX)).min(24 * HOUR);
    Some(spread_out.max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_ten_times_with_growing_delays_and_then_no_more() {
        let delays: Vec<_> = (1..=10).map(|number| delay(number, None, None, 0)).collect();
        assert_eq!(delays.iter().flatten().count(), 9);
        assert_eq!((delays[0], delays[8], delays[9]), (Some(5 * SECOND), Some(24 * HOUR), None));
        assert!(delays.iter().flatten().is_sorted());
    }

    #[test]
    fn waits_as_long_as_it_is_asked_but_no_longer_than_a_day() {
        let asked = |seconds| delay(1, None, Some(Duration::from_secs(seconds)), 0);
        assert_eq!((asked(1), asked(60), asked(u64::MAX)), (Some(5 * SECOND), Some(60 * SECOND), Some(24 * HOUR)));
    }

    #[test]
    fn spreads_what_failed_together() {
        assert_eq!(delay(2, None, None, 0), Some(300 * SECOND));
        let latest = delay(2, None, None, 255).unwrap();
        assert!(latest > 320 * SECOND && latest <= 330 * SECOND);
        assert_eq!(delay(1, Some(200_000), None, 0), Some(200_000));
    }
}
