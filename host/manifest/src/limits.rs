//! `limits` of a component: what one component may use, so that a runaway guest harms itself only.

use std::time::Duration;

use crate::reader::{Field, Table};
use crate::units;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `memory`: all linear memories of one instance together, in bytes or as `64MiB`. Default 64 MiB.
    pub memory_bytes: u64,
    /// `cpu`: computing time of one request or call. Default 2 s.
    pub cpu: Duration,
    /// `timeout`: wall time of one request or call, waiting included. Default 30 s.
    pub timeout: Duration,
    /// `concurrency`: requests and calls at once in one instance. Default 16; 1 gives each request an instance of its own.
    pub concurrency: u32,
    /// `reuse`: requests and calls that one instance serves before it is replaced. Default 10 000.
    pub reuse: u32,
    /// `instances`: instances at once. Default 16.
    pub instances: u32,
    /// `queue`: requests that wait for an instance before the next is answered 503. Default 256.
    pub queue: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            cpu: Duration::from_secs(2),
            timeout: Duration::from_secs(30),
            concurrency: 16,
            reuse: 10_000,
            instances: 16,
            queue: 256,
        }
    }
}

/// One page of linear memory is the least that a guest can have; 4 GiB the most that 32 bits address.
const MEMORY: std::ops::RangeInclusive<u64> = (64 << 10)..=(4 << 30);
/// Longer than any request; keeps sums of deadlines far from overflow.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Limits {
    pub(crate) fn read(table: &Table) -> Self {
        let default = Self::default();
        let count = |key, least, default| {
            let field = table.optional(key);
            field
                .and_then(|field| field.integer(least..=1_000_000))
                .map_or(default, |n| u32::try_from(n).unwrap_or(default))
        };
        let limits = Self {
            memory_bytes: table
                .optional("memory")
                .and_then(|field| read_memory(&field))
                .unwrap_or(default.memory_bytes),
            cpu: table.optional("cpu").and_then(|field| read_time(&field)).unwrap_or(default.cpu),
            timeout: table.optional("timeout").and_then(|field| read_time(&field)).unwrap_or(default.timeout),
            concurrency: count("concurrency", 1, default.concurrency),
            reuse: count("reuse", 1, default.reuse),
            instances: count("instances", 1, default.instances),
            queue: count("queue", 0, default.queue),
        };
        table.finish();
        limits
    }
}

fn read_memory(field: &Field) -> Option<u64> {
    if !field.is_string() {
        return field.integer(MEMORY);
    }
    field.parsed(|text| match units::size(text)? {
        bytes if MEMORY.contains(&bytes) => Ok(bytes),
        _ => Err(format!("`{text}` is out of range; write 64KiB to 4GiB")),
    })
}

fn read_time(field: &Field) -> Option<Duration> {
    field.parsed(|text| match units::duration(text)? {
        time if time.is_zero() || time > LONGEST => Err(format!("`{text}` is out of range; write 1ms to 1440m")),
        time => Ok(time),
    })
}
