//! Reads and writes one record a request, in the default key-value store and in the default database. `/setup` comes first.
//!
//! The statements are public, so that the benchmarks' native twin runs the same.

#[cfg(target_arch = "wasm32")]
mod component;

/// So many rows and keys are there after `/setup`.
pub const RECORDS: u64 = 1000;

/// The bytes of a value, of printable text.
pub const SIZE: usize = 512;

pub const CREATE: &str = "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, body TEXT NOT NULL)";
pub const FILL: &str = "INSERT OR IGNORE INTO records (id, body) VALUES (?, ?)";
pub const READ: &str = "SELECT body FROM records WHERE id = ?";
pub const INSERT: &str = "INSERT INTO records (body) VALUES (?)";

/// The key that a request's number means.
pub fn key(number: u64) -> String {
    format!("key-{}", number % RECORDS)
}

/// The row that a request's number means. Rows count from 1.
pub fn id(number: u64) -> i64 {
    i64::try_from(number % RECORDS).unwrap_or(0) + 1
}

/// A value that says where it belongs.
pub fn body(number: u64) -> String {
    format!("{number:0>width$}", width = SIZE)
}
