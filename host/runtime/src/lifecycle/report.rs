//! What the admin surface tells about a component.

use super::{Lifecycle, Slot};
use kobliat_engine::Counts;
use serde_json::{Value, json};
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// RFC 3339, UTC, milliseconds.
const SHOWN: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

pub fn rfc3339(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(&SHOWN).unwrap_or_default()
}

/// All components.
pub fn report(lifecycle: &Lifecycle) -> Vec<Value> {
    lifecycle.slots().map(|slot| describe(slot)).collect()
}

/// One component.
pub fn describe(slot: &Slot) -> Value {
    let (version, pools) = (slot.version(), slot.pools());
    json!({
        "id": slot.id,
        "digest": version.digest.as_str(),
        "version": version.number,
        "since": rfc3339(version.since),
        "state": slot.phase().as_str(),
        "instances": pools.iter().map(|pool| pool.instances()).sum::<usize>(),
        "in_flight": pools.iter().map(|pool| pool.running()).sum::<usize>(),
        "memory_bytes": pools.iter().map(|pool| pool.memory()).sum::<usize>(),
        "counts": counts(&slot.counts()),
        "retiring": slot.retiring.count(),
        "last_swap": Value::Null,
    })
}

fn counts(counts: &Counts) -> Value {
    let milliseconds = |share| counts.quantile(share).map(|took| took.as_secs_f64() * 1e3);
    json!({
        "requests": counts.requests,
        "errors": counts.errors,
        "traps": counts.traps,
        "p50_ms": milliseconds(0.5),
        "p99_ms": milliseconds(0.99),
    })
}
