//! `fermyon:spin/key-value@2.0.0`: synchronous, for components of SDK 5 and other languages.

use wasmtime::component::Resource;

use crate::bindings::fermyon::spin::key_value::{Error, Host, HostStore};
use crate::instance::{Handle, InstanceView, Refusal};
use crate::store::StoreError;

type Outcome<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceView<'_> {}

impl HostStore for InstanceView<'_> {
    async fn open(&mut self, label: String) -> Outcome<Resource<Handle>> {
        Ok(InstanceView::open(self, &label)?.map_err(Error::from))
    }

    async fn get(&mut self, store: Resource<Handle>, key: String) -> Outcome<Option<Vec<u8>>> {
        let store = self.store(&store)?;
        Ok(store.get(key).await.map_err(Error::from))
    }

    async fn set(&mut self, store: Resource<Handle>, key: String, value: Vec<u8>) -> Outcome<()> {
        let store = self.store(&store)?;
        Ok(store.set(key, value).await.map_err(Error::from))
    }

    async fn delete(&mut self, store: Resource<Handle>, key: String) -> Outcome<()> {
        let store = self.store(&store)?;
        Ok(store.delete(key).await.map_err(Error::from))
    }

    async fn exists(&mut self, store: Resource<Handle>, key: String) -> Outcome<bool> {
        let store = self.store(&store)?;
        Ok(store.exists(key).await.map_err(Error::from))
    }

    async fn get_keys(&mut self, store: Resource<Handle>) -> Outcome<Vec<String>> {
        let store = self.store(&store)?;
        Ok(store.all_keys().await.map_err(Error::from))
    }

    async fn drop(&mut self, store: Resource<Handle>) -> wasmtime::Result<()> {
        self.close(store)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TableFull => Self::StoreTableFull,
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
