//! `created_after` and `created_before`: which part of a list, by the time at which its items were made.
//!
//! ```
//! # use sdk::{period::Period, query::Query};
//! let query = Query::parse("created_after=2026-01-01&created_before=2026-02-01T00:00:00%2B01:00").unwrap();
//! let period = Period::of(&query).unwrap();
//! assert_eq!(period.to - period.from, (31 * 24 - 1) * 3600 * 1_000_000);
//! ```

use crate::{Micros, Problem, clock::parse_rfc3339, pagination::Keyset, query::Query};

pub const PARAMETERS: [&str; 2] = ["created_after", "created_before"];

/// From its first moment on, up to but without its last: periods that follow each other have every item once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Micros,
    pub to: Micros,
}

impl Default for Period {
    fn default() -> Self {
        Self { from: Micros::MIN, to: Micros::MAX }
    }
}

crate::words!(
    /// The order of a list by age; ties are broken by the id, in the same direction.
    Order { NewestFirst = "-created_at", OldestFirst = "created_at" }
);

impl Period {
    /// All time where the query names none.
    pub fn of(query: &Query) -> Result<Self, Problem> {
        let [after, before] = PARAMETERS;
        let from = moment(query, after)?.unwrap_or(Micros::MIN);
        let to = moment(query, before)?.unwrap_or(Micros::MAX);
        let is_empty = from >= to;
        if is_empty {
            Err(Problem::invalid_field("?created_before", "must be later than created_after"))
        } else {
            Ok(Self { from, to })
        }
    }

    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    pub fn contains(&self, moment: Micros) -> bool {
        self.from <= moment && moment < self.to
    }
}

impl Order {
    /// `sort`; the newest first where the query names none.
    pub fn of(query: &Query) -> Result<Self, Problem> {
        let unknown = || Problem::invalid_field("?sort", "must be one of -created_at, created_at");
        query.get("sort").map_or(Ok(Self::NewestFirst), |word| Self::parse(word).ok_or_else(unknown))
    }

    /// Before the first item of the period: where a list without a cursor begins.
    pub fn start(self, period: &Period) -> Keyset {
        let at = if self == Self::NewestFirst { period.to } else { period.from };
        Keyset { at, id: String::new() }
    }
}

/// RFC 3339, or a day, which begins at midnight UTC.
fn moment(query: &Query, name: &str) -> Result<Option<Micros>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    // An offset's plus sign that was not escaped arrives as a blank.
    let spellings = [text.to_owned(), text.replace(' ', "+"), format!("{text}T00:00:00Z")];
    let read = spellings.iter().find_map(|text| parse_rfc3339(text));
    let wrong = || {
        Problem::invalid_field(
            format!("?{name}"),
            "must be an RFC 3339 time (2026-01-31T12:00:00Z) or a day (2026-01-31)",
        )
    };
    read.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(query: &str) -> Option<Period> {
        Period::of(&Query::parse(query).unwrap()).ok()
    }

    #[test]
    fn reads_times_days_and_offsets_as_clients_send_them() {
        let one = period("created_after=2026-01-31T00:00:00Z").unwrap();
        assert_eq!(period("created_after=2026-01-31"), Some(one));
        assert_eq!(period("created_after=2026-01-31T02:00:00%2B02:00"), Some(one));
        assert_eq!(period("created_after=2026-01-31T02:00:00+02:00"), Some(one), "not escaped");
        assert!(one.contains(one.from) && !one.contains(one.from - 1) && one.contains(Micros::MAX - 1));
        assert!(period("").unwrap().is_all() && !one.is_all());
    }

    #[test]
    fn refuses_what_is_no_time_and_a_period_without_a_moment() {
        for bad in
            ["created_after=yesterday", "created_before=2026-02-30", "created_after=2026-1-1", "created_before=17"]
        {
            assert_eq!(period(bad), None, "{bad}");
        }
        assert_eq!(period("created_after=2026-01-02&created_before=2026-01-02"), None);
        assert!(Order::of(&Query::parse("sort=name").unwrap()).is_err());
    }
}
