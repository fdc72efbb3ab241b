//! API keys: what one looks like, how it is stored, and how long a looked-up one may be remembered.

use std::cell::RefCell;
use std::collections::HashMap;

use sdk::{Micros, Problem};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret;

/// Every key of ours starts so: secret scanners can find leaked ones, and other strings never reach the database.
pub const PREFIX: &str = "kob_";
/// The keys that are made now.
const LIVE_PREFIX: &str = "kob_live_";
/// 24 of 256 bits: enough to tell keys apart, no help to who guesses.
const VISIBLE_CHARS: usize = 4;

/// Longest presented secret that is looked at: ours are 52 characters; operators may give the bootstrap key any length up to this.
const MAX_SECRET_BYTES: usize = 512;

/// How long a looked-up key is believed without asking the database again, in microseconds (5 s).
/// A revocation therefore takes this long at most to reach every instance; an expiry takes effect at once.
pub const CACHE_TTL_MICROS: Micros = 5_000_000;

/// Credentials remembered per instance; a full cache forgets its oldest entry.
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
    /// What its tenant's plan says; `None`: the platform's default.
    pub requests_per_hour: Option<u32>,
}

/// A row of `api_keys`, as its owner sees it: without the secret, which nobody has but who was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedKey {
    pub tenant: String,
    pub id: String,
    pub name: String,
    /// By which people recognise it in a list.
    pub prefix: String,
    pub scopes: Vec<String>,
    pub created_at: Micros,
    pub expires_at: Option<Micros>,
    pub revoked_at: Option<Micros>,
    pub last_used_at: Option<Micros>,
}

/// A new key: the secret, which is shown once, and the part of it that stays visible.
pub fn mint() -> Result<(String, String), Problem> {
    let secret = format!("{LIVE_PREFIX}{}", secret::token()?);
    let visible = secret.chars().take(LIVE_PREFIX.len() + VISIBLE_CHARS).collect();
    Ok((secret, visible))
}

impl ApiKey {
    pub fn is_valid_at(&self, now: Micros) -> bool {
        self.revoked_at.is_none_or(|at| at > now) && self.expires_at.is_none_or(|at| at > now)
    }
}

/// What this instance has looked up lately, by the hash of the credential. Only what exists is kept: made-up ones could otherwise
/// push it out.
pub struct Recent<T>(RefCell<HashMap<KeyHash, (Micros, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Recent<T> {
    pub fn get(&self, hash: &KeyHash, now: Micros) -> Option<T> {
        let entries = self.0.borrow();
        let (read_at, found) = entries.get(hash)?;
        // An age below zero means that the clock was set back: ask again.
        (0..CACHE_TTL_MICROS).contains(&(now - read_at)).then(|| found.clone())
    }

    /// What was once found, however long ago: true of nothing but itself.
    pub fn get_old(&self, hash: &KeyHash) -> Option<T> {
        self.0.borrow().get(hash).map(|(_, found)| found.clone())
    }

    pub fn put(&self, hash: KeyHash, found: T, now: Micros) {
        let mut entries = self.0.borrow_mut();
        if entries.len() >= CACHE_CAPACITY && !entries.contains_key(&hash) {
            let oldest = entries.iter().min_by_key(|(_, (read_at, _))| *read_at).map(|(hash, _)| *hash);
            oldest.and_then(|hash| entries.remove(&hash));
        }
        entries.insert(hash, (now, found));
    }
}
