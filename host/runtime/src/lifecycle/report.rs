//! What the admin surface tells about a component.

use super::slot::sum;
use super::{Archive, Lifecycle, Slot, Version};
use kobliat_engine::{Counts, Pool};
use serde_json::{Map, Value, json};
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
    lifecycle.slots().iter().map(|slot| describe(slot, &lifecycle.archive)).collect()
}

/// One component, and its version on trial beside it.
pub fn describe(slot: &Slot, archive: &Archive) -> Value {
    let mut told = version(&slot.version(), &slot.pools());
    let canary = slot.canary().map(|canary| {
        let mut told = version(&canary.version, &slot.canary_pools());
        told.insert("percent".into(), json!(canary.percent));
        told
    });
    told.insert("id".into(), json!(slot.id));
    told.insert("state".into(), json!(slot.phase().as_str()));
    told.insert("retiring".into(), json!(slot.retiring.count()));
    told.insert("canary".into(), canary.map_or(Value::Null, Value::Object));
    told.insert("last_swap".into(), archive.last_swap(&slot.id));
    Value::Object(told)
}

fn version(version: &Version, pools: &[Pool]) -> Map<String, Value> {
    let told = json!({
        "digest": version.digest.as_str(),
        "version": version.number,
        "since": rfc3339(version.since),
        "follows_manifest": version.follows_manifest,
        "instances": pools.iter().map(|pool| pool.instances()).sum::<usize>(),
        "in_flight": pools.iter().map(|pool| pool.running()).sum::<usize>(),
        "memory_bytes": pools.iter().map(|pool| pool.memory()).sum::<usize>(),
        "counts": counts(&sum(pools)),
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
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
