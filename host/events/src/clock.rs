//! The broker's clock: wall time at the start, from then on only forward. A clock that jumps while the platform runs neither
//! fires all retries at once nor stops them.

use crate::event::Micros;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_at: Micros,
}

impl Clock {
    pub fn start() -> Self {
        Self { started: Instant::now(), started_at: wall_now() }
    }

    pub fn now(&self) -> Micros {
        self.started_at.saturating_add(micros(self.started.elapsed()))
    }

    /// Never in the past.
    pub fn instant(&self, at: Micros) -> Instant {
        let left = u64::try_from(at.saturating_sub(self.now())).unwrap_or(0);
        Instant::now() + Duration::from_micros(left)
    }
}

/// The wall's time, for people.
pub fn wall_now() -> Micros {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub fn micros(duration: Duration) -> Micros {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// As the API shows times: RFC 3339, UTC, milliseconds. `Rfc3339` would leave out the zeros at their end.
const SHOWN: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

pub fn rfc3339(at: Micros) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&SHOWN).unwrap_or_default()
}

/// Whether this is a time in the sense of CloudEvents.
pub fn is_rfc3339(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_123_456), "2000-02-29T00:00:00.123Z");
        assert_eq!(rfc3339(1_795_378_557_000_000), "2026-11-22T20:15:57.000Z");
    }
}
