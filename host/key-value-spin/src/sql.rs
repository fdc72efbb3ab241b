//! The statements. Table and columns are Spin's.

pub const CREATE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";

pub const GET: &str = "SELECT value FROM spin_key_value WHERE store = ? AND key = ?";
pub const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?, ?, ?)
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
pub const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ? AND key = ?";
pub const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ? AND key = ?";

pub const FIRST_KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ? ORDER BY key LIMIT ?";
pub const KEYS_AFTER: &str = "SELECT key FROM spin_key_value WHERE store = ? AND key > ? ORDER BY key LIMIT ?";

/// They answer a row when they have written.
pub const ADD: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?, ?, ?)
    ON CONFLICT (store, key) DO NOTHING RETURNING 1";
pub const REPLACE: &str = "UPDATE spin_key_value SET value = ? WHERE store = ? AND key = ? AND value = ? RETURNING 1";

pub fn get_many(keys: usize) -> String {
    format!("SELECT key, value FROM spin_key_value WHERE store = ? AND key IN ({})", list("?", keys))
}

pub fn set_many(entries: usize) -> String {
    format!(
        "INSERT INTO spin_key_value (store, key, value) VALUES {}
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value",
        list("(?, ?, ?)", entries)
    )
}

pub fn delete_many(keys: usize) -> String {
    format!("DELETE FROM spin_key_value WHERE store = ? AND key IN ({})", list("?", keys))
}

fn list(item: &str, count: usize) -> String {
    vec![item; count].join(", ")
}
