//! A store as a probe of a new version sees it: it reads, and changes nothing.

use crate::store::{Answer, Page, Store, StoreError};
use std::sync::Arc;

pub(crate) struct ReadOnly(pub Arc<dyn Store>);

/// The answer to every write.
fn refuse<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(async { Err(StoreError("a new version that is probed may change nothing".to_owned())) })
}

impl Store for ReadOnly {
    fn get(&self, key: String) -> Answer<'_, Option<Vec<u8>>> {
        self.0.get(key)
    }

    fn set(&self, _key: String, _value: Vec<u8>) -> Answer<'_, ()> {
        refuse()
    }

    fn delete(&self, _key: String) -> Answer<'_, ()> {
        refuse()
    }

    fn exists(&self, key: String) -> Answer<'_, bool> {
        self.0.exists(key)
    }

    fn keys(&self, after: Option<String>) -> Answer<'_, Page> {
        self.0.keys(after)
    }

    fn get_many(&self, keys: Vec<String>) -> Answer<'_, Vec<Option<Vec<u8>>>> {
        self.0.get_many(keys)
    }

    fn set_many(&self, _entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()> {
        refuse()
    }

    fn delete_many(&self, _keys: Vec<String>) -> Answer<'_, ()> {
        refuse()
    }

    fn increment(&self, _key: String, _delta: i64) -> Answer<'_, i64> {
        refuse()
    }

    fn swap(&self, _key: String, _expected: Option<Vec<u8>>, _value: Vec<u8>) -> Answer<'_, bool> {
        refuse()
    }
}
