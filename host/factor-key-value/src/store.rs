//! What a backend is: one store, whatever keeps it. Bounds on keys and values hold before a backend is asked.

use std::pin::Pin;

/// The answer to one operation, some time later. A write is answered when it is durable.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why an operation failed, in words for the guest: no path and no address of the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Some of a store's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub keys: Vec<String>,
    /// Whether there may be keys after the last one.
    pub more: bool,
}

/// One store of one label. Operations of many callers run at a time.
pub trait Store: Send + Sync + 'static {
    fn get(&self, key: String) -> Answer<'_, Option<Vec<u8>>>;

    fn set(&self, key: String, value: Vec<u8>) -> Answer<'_, ()>;

    /// No error when there is no such key.
    fn delete(&self, key: String) -> Answer<'_, ()>;

    fn exists(&self, key: String) -> Answer<'_, bool>;

    /// The next keys after `after`, in the store's own order. A key that is there during the whole listing is listed.
    fn keys(&self, after: Option<String>) -> Answer<'_, Page>;

    /// The values in the order of `keys`.
    fn get_many(&self, keys: Vec<String>) -> Answer<'_, Vec<Option<Vec<u8>>>>;

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()>;

    fn delete_many(&self, keys: Vec<String>) -> Answer<'_, ()>;

    /// Adds to a number (8 bytes, little-endian, as Spin keeps it) and answers the sum. A missing key counts as 0.
    fn increment(&self, key: String, delta: i64) -> Answer<'_, i64>;

    /// Sets `value` if the key's value still is `expected` (`None`: there is no such key); answers whether it was.
    fn swap(&self, key: String, expected: Option<Vec<u8>>, value: Vec<u8>) -> Answer<'_, bool>;
}
