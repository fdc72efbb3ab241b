//! `wasi:keyvalue/batch@0.2.0-draft2`. Here a batch is all or nothing, which the interface allows but does not promise.

use wasmtime::component::Resource;

use crate::bindings::wasi::keyvalue::batch::{Error, Host};
use crate::instance::{Handle, InstanceView};

type Outcome<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceView<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Handle>,
        keys: Vec<String>,
    ) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        let store = self.store(&bucket)?;
        Ok(store.get_many(keys).await.map_err(Error::from))
    }

    async fn set_many(&mut self, bucket: Resource<Handle>, entries: Vec<(String, Vec<u8>)>) -> Outcome<()> {
        let store = self.store(&bucket)?;
        Ok(store.set_many(entries).await.map_err(Error::from))
    }

    async fn delete_many(&mut self, bucket: Resource<Handle>, keys: Vec<String>) -> Outcome<()> {
        let store = self.store(&bucket)?;
        Ok(store.delete_many(keys).await.map_err(Error::from))
    }
}
