//! `limits` of a component: what one component may use, so that a runaway guest harms itself only.

use std::time::Duration;

use crate::reader::{Field, Table};
use crate::units;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `memory`: all linear memories of one instance together, in bytes or as `64MiB`. Default 64 MiB.
    pub memory_bytes: u64,
    /// `cpu` or `cpu_ms`: computing time of one request or call. Default 2 s.
    pub cpu: Duration,
    /// `timeout` or `wall_ms`: wall time of one request or call, waiting included. Default 30 s.
    pub timeout: Duration,
    /// `concurrency`, or `reuse.concurrent`: requests and calls at once in one instance. Default 16; 1 gives each request an instance of its own.
    pub concurrency: u32,
    /// `reuse`, or `reuse.requests` beside `limits`: requests and calls that one instance serves before it is replaced. Default 10 000.
    pub reuse: u32,
    /// `instances`: instances at once. Default 16.
    pub instances: u32,
    /// `queue`: requests that wait for an instance before the next is answered 503. Default 256.
    pub queue: u32,
    /// `body`: bytes of a request's body before the answer is 413. None by default: bodies are streamed.
    pub body_bytes: Option<u64>,
    /// `buffer`: bytes of a request's body that arrive before the request takes a place. By default up to 64 KiB of a body
    /// that announces its length, and the first part of one that does not.
    pub buffer_bytes: Option<u64>,
    /// `reuse.idle_ms`: how long an unused instance is kept. Default 10 s.
    pub idle: Duration,
    /// Where the command line gives a range. The numbers above are then the most, and each instance has one between.
    pub least: Least,
}

/// The least of what an instance may have; without it, it has what the limit says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Least {
    pub concurrency: Option<u32>,
    pub reuse: Option<u32>,
    pub idle: Option<Duration>,
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
            body_bytes: None,
            buffer_bytes: None,
            idle: Duration::from_secs(10),
            least: Least::default(),
        }
    }
}

/// One page of linear memory is the least that a guest can have; 4 GiB the most that 32 bits address.
const MEMORY: std::ops::RangeInclusive<u64> = (64 << 10)..=(4 << 30);
/// What is smaller protects nobody; what is larger would let a few bodies use up what the host keeps for all.
const BUFFER: std::ops::RangeInclusive<u64> = (1 << 10)..=(8 << 20);
/// Longer than any request; keeps sums of deadlines far from overflow.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Limits {
    /// `limits = { … }`; what it does not say is as in `default`.
    pub(crate) fn read(table: &Table, default: Self) -> Self {
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
            cpu: time(table, "cpu", "cpu_ms").unwrap_or(default.cpu),
            timeout: time(table, "timeout", "wall_ms").unwrap_or(default.timeout),
            concurrency: count("concurrency", 1, default.concurrency),
            reuse: count("reuse", 1, default.reuse),
            instances: count("instances", 1, default.instances),
            queue: count("queue", 0, default.queue),
            body_bytes: table.optional("body").and_then(|field| read_body(&field)).or(default.body_bytes),
            buffer_bytes: table.optional("buffer").and_then(|field| read_buffer(&field)).or(default.buffer_bytes),
            idle: default.idle,
            least: default.least,
        };
        table.finish();
        limits
    }
}

impl Limits {
    /// `reuse = { … }`: how instances are shared, in the words of Spin's flags.
    pub(crate) fn read_reuse(self, table: &Table) -> Self {
        let count = |key| table.optional(key).and_then(|field| field.integer(1..=1_000_000)).map(|n| n as u32);
        let limits = Self {
            reuse: count("requests").unwrap_or(self.reuse),
            concurrency: count("concurrent").unwrap_or(self.concurrency),
            idle: milliseconds(table, "idle_ms").unwrap_or(self.idle),
            ..self
        };
        table.finish();
        limits
    }

    /// Both tables, where there are any.
    pub(crate) fn read_both(table: &Table, default: Self) -> Self {
        let tables = (table.optional("limits"), table.optional("reuse"));
        if let (Some(limits), Some(reuse)) = (tables.0.as_ref().and_then(Field::table), &tables.1) {
            for (key, same) in [("reuse", "requests"), ("concurrency", "concurrent")] {
                let twice = reuse.table().is_some_and(|reuse| reuse.optional(same).is_some());
                if let Some(field) = limits.optional(key).filter(|_| twice) {
                    field.key_error(format!("`limits.{key}` and `reuse.{same}` are the same; remove one"));
                }
            }
        }
        let limits = match tables.0.and_then(|field| field.table()) {
            Some(table) => Self::read(&table, default),
            None => default,
        };
        match tables.1.and_then(|field| field.table()) {
            Some(table) => limits.read_reuse(&table),
            None => limits,
        }
    }
}

/// A duration by either of its names: `cpu = "500ms"`, `cpu_ms = 500`.
fn time(table: &Table, key: &'static str, in_ms: &'static str) -> Option<Duration> {
    let number = milliseconds(table, in_ms);
    let text = table.optional(key);
    if let (Some(field), Some(_)) = (&text, number) {
        field.key_error(format!("`{key}` and `{in_ms}` are the same; remove one"));
    }
    text.and_then(|field| read_time(&field)).or(number)
}

fn milliseconds(table: &Table, key: &'static str) -> Option<Duration> {
    let longest = LONGEST.as_millis() as u64;
    table.optional(key).and_then(|field| field.integer(1..=longest)).map(Duration::from_millis)
}

fn read_body(field: &Field) -> Option<u64> {
    if !field.is_string() {
        return field.integer(0..=u64::MAX);
    }
    field.parsed(units::size)
}

fn read_buffer(field: &Field) -> Option<u64> {
    if !field.is_string() {
        return field.integer(BUFFER);
    }
    field.parsed(|text| match units::size(text)? {
        bytes if BUFFER.contains(&bytes) => Ok(bytes),
        _ => Err(format!("`{text}` is out of range; write 1KiB to 8MiB")),
    })
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
