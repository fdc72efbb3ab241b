//! A store as guests reach it: their input is hostile until it is bounded, and no backend sees it before.

use std::sync::Arc;

use kobliat_engine::{Allowance, Held};

use crate::store::{Page, Store, StoreError};

/// Longer than any sensible key; other hosts' backends stop at 1 or 2 KiB.
const MAX_KEY_BYTES: usize = 64 << 10;
/// A value is copied whole between guest, host and disk; what is larger belongs into files or a database of its own.
const MAX_VALUE_BYTES: usize = 32 << 20;
/// Keys of one batch: what one statement of a backend can name.
const MAX_BATCH_KEYS: usize = 10_000;
/// Keys and values of one batch together.
const MAX_BATCH_BYTES: usize = MAX_VALUE_BYTES;
/// Keys that are collected for a guest that asks for all of them in one list.
const MAX_LISTED_BYTES: usize = 32 << 20;

/// An open store of one instance.
#[derive(Clone)]
pub struct Bounded(Arc<dyn Store>, Allowance);

impl Bounded {
    pub fn new(store: Arc<dyn Store>, allowance: Allowance) -> Self {
        Self(store, allowance)
    }

    /// What waits for the store, with as many others as the guest likes.
    fn hold(&self, bytes: usize) -> Result<Held, StoreError> {
        self.1.take(bytes).map_err(|exhausted| StoreError(exhausted.to_string()))
    }

    pub async fn get(&self, key: String) -> Result<Option<Vec<u8>>, StoreError> {
        self::key(&key)?;
        self.0.get(key).await
    }

    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), StoreError> {
        entry(&key, &value)?;
        let _held = self.hold(key.len() + value.len())?;
        self.0.set(key, value).await
    }

    pub async fn delete(&self, key: String) -> Result<(), StoreError> {
        self::key(&key)?;
        self.0.delete(key).await
    }

    pub async fn exists(&self, key: String) -> Result<bool, StoreError> {
        self::key(&key)?;
        self.0.exists(key).await
    }

    pub async fn keys(&self, after: Option<String>) -> Result<Page, StoreError> {
        self::key(after.as_deref().unwrap_or_default())?;
        self.0.keys(after).await
    }

    /// All keys in one list, for the interface that knows no other.
    pub async fn all_keys(&self) -> Result<Vec<String>, StoreError> {
        let (mut keys, mut bytes) = (Vec::new(), 0);
        loop {
            let page = self.0.keys(keys.last().cloned()).await?;
            bytes += page.keys.iter().map(|key| key.len() + size_of::<String>()).sum::<usize>();
            if bytes > MAX_LISTED_BYTES {
                return Err(StoreError(format!(
                    "the keys of this store are more than {MAX_LISTED_BYTES} bytes; list them with spin:key-value@3.0.0 or wasi:keyvalue"
                )));
            }
            keys.extend(page.keys);
            if !page.more {
                return Ok(keys);
            }
        }
    }

    /// Each key with its value, in the order of `keys`.
    pub async fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, Option<Vec<u8>>)>, StoreError> {
        self::keys(&keys)?;
        let _held = self.hold(weight(&keys))?;
        let values = self.0.get_many(keys.clone()).await?;
        Ok(keys.into_iter().zip(values).collect())
    }

    pub async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        self::entries(&entries)?;
        let _held = self.hold(entries.iter().map(|(key, value)| ENTRY + key.len() + value.len()).sum())?;
        self.0.set_many(entries).await
    }

    pub async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        self::keys(&keys)?;
        let _held = self.hold(weight(&keys))?;
        self.0.delete_many(keys).await
    }

    pub async fn increment(&self, key: String, delta: i64) -> Result<i64, StoreError> {
        self::key(&key)?;
        self.0.increment(key, delta).await
    }

    pub async fn swap(&self, key: String, expected: Option<Vec<u8>>, value: Vec<u8>) -> Result<bool, StoreError> {
        entry(&key, &value)?;
        let _held = self.hold(key.len() + value.len() + expected.as_ref().map_or(0, Vec::len))?;
        self.0.swap(key, expected, value).await
    }
}

/// A key and a value beside their bytes.
const ENTRY: usize = size_of::<String>() + size_of::<Vec<u8>>();

fn weight(keys: &[String]) -> usize {
    keys.iter().map(|key| ENTRY + key.len()).sum()
}

type Checked = Result<(), StoreError>;

fn key(key: &str) -> Checked {
    if key.len() > MAX_KEY_BYTES {
        return Err(StoreError(format!("a key is at most {MAX_KEY_BYTES} bytes long; this one has {}", key.len())));
    }
    Ok(())
}

fn entry(key: &str, value: &[u8]) -> Checked {
    self::key(key)?;
    if value.len() > MAX_VALUE_BYTES {
        return Err(StoreError(format!(
            "a value is at most {MAX_VALUE_BYTES} bytes long; this one has {}",
            value.len()
        )));
    }
    Ok(())
}

fn keys(keys: &[String]) -> Checked {
    batch(keys.iter().map(|key| (key.as_str(), &[][..])))
}

fn entries(entries: &[(String, Vec<u8>)]) -> Checked {
    batch(entries.iter().map(|(key, value)| (key.as_str(), value.as_slice())))
}

fn batch<'a>(entries: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>) -> Checked {
    if entries.len() > MAX_BATCH_KEYS {
        return Err(StoreError(format!("a batch has at most {MAX_BATCH_KEYS} keys; this one has {}", entries.len())));
    }
    let mut bytes = 0;
    for (key, value) in entries {
        entry(key, value)?;
        bytes += key.len() + value.len();
    }
    if bytes > MAX_BATCH_BYTES {
        return Err(StoreError(format!("a batch has at most {MAX_BATCH_BYTES} bytes; this one has {bytes}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_fits_and_what_is_not_is_told_the_bound() {
        assert_eq!(entry("session:1", &[0; 1024]), Ok(()));
        assert_eq!(key(""), Ok(()), "a store may have it, so it must be reachable");
        assert!(key(&"k".repeat(MAX_KEY_BYTES + 1)).unwrap_err().0.contains("at most 65536 bytes"));
        assert!(entry("k", &vec![0; MAX_VALUE_BYTES + 1]).unwrap_err().0.contains("33554433"));
    }

    #[test]
    fn a_batch_is_bounded_by_its_number_and_by_its_sum() {
        assert!(keys(&vec![String::new(); MAX_BATCH_KEYS]).is_ok());
        assert!(keys(&vec![String::new(); MAX_BATCH_KEYS + 1]).is_err());
        let half = vec![0; MAX_BATCH_BYTES / 2];
        assert!(entries(&[("a".to_owned(), half.clone())]).is_ok());
        assert!(entries(&[("a".to_owned(), half.clone()), ("b".to_owned(), half)]).unwrap_err().0.contains("batch"));
    }
}
