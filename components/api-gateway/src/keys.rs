//! API keys: what one looks like, how it is stored, and how long a looked-up one may be remembered.

use std::cell::RefCell;
use std::collections::HashMap;

use sdk::Micros;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Every key of ours starts so: secret scanners can find leaked ones, and other strings never reach the database.
pub const PREFIX: &str = "kob_";

/// Longest presented secret that is looked at: ours are 52 characters; operators may give the bootstrap key any length up to this.
const MAX_SECRET_BYTES: usize = 512;

/// How long a looked-up key is believed without asking the database again, in microseconds (5 s).
/// A revocation therefore takes this long at most to reach every instance; an expiry takes effect at once.
pub const CACHE_TTL_MICROS: Micros = 5_000_000;

/// Keys remembered per instance; a full cache forgets its oldest entry.
const CACHE_CAPACITY: usize = 1024;

/// The SHA-256 of a presented key. A key carries 256 random bits, so that a fast hash without salt is enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The form in which the database keeps it: 64 lower-case hex digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Equality in constant time, whatever the lengths of the two secrets.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Whether a presented string is worth hashing at all.
pub fn is_plausible(secret: &str) -> bool {
    !secret.is_empty() && secret.len() <= MAX_SECRET_BYTES && secret.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a presented string can be a key of the database, and so is worth a read.
pub fn is_issued_form(secret: &str) -> bool {
    secret.starts_with(PREFIX)
}

/// A row of `api_keys`, as authentication needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    pub tenant: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Micros>,
    pub revoked_at: Option<Micros>,
    pub last_used_at: Option<Micros>,
}

impl ApiKey {
    pub fn is_valid_at(&self, now: Micros) -> bool {
        self.revoked_at.is_none_or(|at| at > now) && self.expires_at.is_none_or(|at| at > now)
    }
}

/// The keys that this instance has looked up lately. Only keys that exist are kept: made-up ones could otherwise push them out.
#[derive(Default)]
pub struct KeyCache(RefCell<HashMap<KeyHash, (Micros, ApiKey)>>);

impl KeyCache {
    pub fn get(&self, hash: &KeyHash, now: Micros) -> Option<ApiKey> {
        let entries = self.0.borrow();
        let (read_at, key) = entries.get(hash)?;
        // An age below zero means that the clock was set back: ask again.
        (0..CACHE_TTL_MICROS).contains(&(now - read_at)).then(|| key.clone())
    }

    pub fn put(&self, hash: KeyHash, key: ApiKey, now: Micros) {
        let mut entries = self.0.borrow_mut();
        if entries.len() >= CACHE_CAPACITY && !entries.contains_key(&hash) {
            let oldest = entries.iter().min_by_key(|(_, (read_at, _))| *read_at).map(|(hash, _)| *hash);
            oldest.and_then(|hash| entries.remove(&hash));
        }
        entries.insert(hash, (now, key));
    }
}
