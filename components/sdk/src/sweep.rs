//! Forgetting what is old, in short steps: no step holds the writer for long, and a sweep goes on until nothing is left or its time is up.

use crate::{Clock, Micros};

/// Rows of one step: some milliseconds with the writer.
pub const STEP_ROWS: u32 = 500;

/// What one sweep may take of a tick. Steps of [`STEP_ROWS`] in that time delete several times what the fastest writer adds meanwhile.
pub const LIMIT: Micros = 2_000_000;

const DAY: Micros = 24 * 3600 * 1_000_000;
/// Ten years: what is longer is a mistake.
const MOST_DAYS: i64 = 3650;

/// Takes steps until one finds fewer rows than it may take, or [`LIMIT`] is over; the next sweep goes on then. How many rows went.
pub async fn sweep<E>(clock: &dyn Clock, step: impl AsyncFn(u32) -> Result<u64, E>) -> Result<u64, E> {
    let until = clock.now().saturating_add(LIMIT);
    let mut swept = 0;
    loop {
        let rows = step(STEP_ROWS).await?;
        swept += rows;
        if rows < STEP_ROWS.into() || clock.now() >= until {
            return Ok(swept);
        }
    }
}

/// A variable's number of days. `None`: it has no value that makes sense.
pub fn days(value: &str) -> Option<Micros> {
    value.trim().parse().ok().filter(|days| (1..=MOST_DAYS).contains(days)).map(|days: i64| days * DAY)
}

/// The same, or as many days when it has none.
pub fn days_or(value: Option<&str>, usual: i64) -> Micros {
    value.and_then(days).unwrap_or(usual * DAY)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::testing::block_on;

    struct Ticking(Cell<Micros>);

    impl Clock for Ticking {
        /// 10 ms at each look.
        fn now(&self) -> Micros {
            self.0.set(self.0.get() + 10_000);
            self.0.get()
        }
    }

    async fn swept(rows: u64) -> (u64, u64) {
        let left = Cell::new(rows);
        let step = async |most: u32| -> Result<u64, ()> {
            let taken = left.get().min(most.into());
            left.set(left.get() - taken);
            Ok(taken)
        };
        let swept = sweep(&Ticking(Cell::new(0)), step).await.unwrap();
        (swept, left.get())
    }

    #[test]
    fn goes_on_until_nothing_is_left_or_the_time_is_up() {
        let swept = |rows| block_on(swept(rows));
        assert_eq!(swept(0), (0, 0));
        assert_eq!(swept(1234), (1234, 0));
        assert_eq!(swept(1000), (1000, 0), "a full step may have been the last one");
        let (gone, left) = swept(1_000_000);
        assert!((90_000..=100_500).contains(&gone) && left == 1_000_000 - gone, "{gone}");
    }

    #[test]
    fn a_number_of_days_makes_sense_or_the_usual_one_counts() {
        assert_eq!(days(" 30 "), Some(30 * DAY));
        for nonsense in ["", "0", "-1", "3651", "a month", "1.5"] {
            assert_eq!(days(nonsense), None, "{nonsense}");
        }
        assert_eq!((days_or(None, 7), days_or(Some("x"), 7), days_or(Some("1"), 7)), (7 * DAY, 7 * DAY, DAY));
    }
}
