//! What a list of the request log is narrowed to, in today's parameters and in those of the platform before this one.

use crate::store::logs::Filter;
use sdk::clock::parse_rfc3339;
use sdk::query::Query;
use sdk::{Micros, Problem};

const DAY_MICROS: Micros = 86_400_000_000;

pub(super) fn of(query: &Query) -> Result<Filter, Problem> {
    let name = if query.get("status_code").is_some() { "status_code" } else { "status" };
    let bad_status = || Problem::invalid_field(format!("?{name}"), "must be a status code");
    let status = query.get(name).map(|text| text.parse().ok().filter(|code| (100..600).contains(code)));
    Ok(Filter {
        method: query.get("method").map(str::to_uppercase),
        status: status.map(|status| status.ok_or_else(bad_status)).transpose()?,
        path: query.get("path").map(str::to_owned),
        from: either(query, ("from", time), ("start_date", start))?,
        to: either(query, ("to", time), ("end_date", end))?,
    })
}

type Read = (&'static str, fn(&str) -> Option<Micros>);

/// One of two parameters that mean the same.
fn either(query: &Query, one: Read, other: Read) -> Result<Option<Micros>, Problem> {
    let read = |(name, read): Read| match query.get(name) {
        None => Ok(None),
        Some(text) => read(text).map(Some).ok_or_else(|| {
            Problem::invalid_field(format!("?{name}"), "must be an RFC 3339 time, or for start_date and end_date a day")
        }),
    };
    match (read(one)?, read(other)?) {
        (Some(_), Some(_)) => {
            Err(Problem::invalid_field(format!("?{}", other.0), format!("does not go with {}", one.0)))
        }
        (one, other) => Ok(one.or(other)),
    }
}

fn time(text: &str) -> Option<Micros> {
    parse_rfc3339(text)
}

/// The beginning of a day (UTC), or a time.
fn start(text: &str) -> Option<Micros> {
    day(text).or_else(|| time(text))
}

/// The end of a day, which belongs to it; or a time.
fn end(text: &str) -> Option<Micros> {
    day(text).map(|at| at.saturating_add(DAY_MICROS)).or_else(|| time(text))
}

fn day(text: &str) -> Option<Micros> {
    parse_rfc3339(&format!("{text}T00:00:00Z"))
}
