//! `wasi:keyvalue/store@0.2.0-draft2`.

use wasmtime::component::Resource;

use crate::bindings::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse};
use crate::instance::{Handle, InstanceView, Refusal};
use crate::store::{Page, StoreError};

type Outcome<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceView<'_> {
    async fn open(&mut self, identifier: String) -> Outcome<Resource<Handle>> {
        Ok(InstanceView::open(self, &identifier)?.map_err(Error::from))
    }
}

impl HostBucket for InstanceView<'_> {
    async fn get(&mut self, bucket: Resource<Handle>, key: String) -> Outcome<Option<Vec<u8>>> {
        let store = self.store(&bucket)?;
        Ok(store.get(key).await.map_err(Error::from))
    }

    async fn set(&mut self, bucket: Resource<Handle>, key: String, value: Vec<u8>) -> Outcome<()> {
        let store = self.store(&bucket)?;
        Ok(store.set(key, value).await.map_err(Error::from))
    }

    async fn delete(&mut self, bucket: Resource<Handle>, key: String) -> Outcome<()> {
        let store = self.store(&bucket)?;
        Ok(store.delete(key).await.map_err(Error::from))
    }

    async fn exists(&mut self, bucket: Resource<Handle>, key: String) -> Outcome<bool> {
        let store = self.store(&bucket)?;
        Ok(store.exists(key).await.map_err(Error::from))
    }

    /// The cursor is the last key of the page before.
    async fn list_keys(&mut self, bucket: Resource<Handle>, cursor: Option<String>) -> Outcome<KeyResponse> {
        let store = self.store(&bucket)?;
        let page = store.keys(cursor).await;
        Ok(page.map_err(Error::from).map(|Page { keys, more }| {
            let cursor = keys.last().filter(|_| more).cloned();
            KeyResponse { keys, cursor }
        }))
    }

    async fn drop(&mut self, bucket: Resource<Handle>) -> wasmtime::Result<()> {
        self.close(bucket)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TableFull => Self::Other("too many stores are open; drop those that you do not need".to_owned()),
            Refusal::NoSuchStore => Self::NoSuchStore,
            Refusal::AccessDenied => Self::AccessDenied,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.0)
    }
}
