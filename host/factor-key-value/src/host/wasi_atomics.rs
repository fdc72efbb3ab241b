//! `wasi:keyvalue/atomics@0.2.0-draft2`: counters, and compare-and-swap.

use wasmtime::component::Resource;

use crate::bindings::wasi::keyvalue::atomics::{CasError, Error, Host, HostCas};
use crate::instance::{Cas, Handle, InstanceView};

type Outcome<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceView<'_> {
    async fn increment(&mut self, bucket: Resource<Handle>, key: String, delta: i64) -> Outcome<i64> {
        let store = self.store(&bucket)?;
        Ok(store.increment(key, delta).await.map_err(Error::from))
    }

    async fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> wasmtime::Result<Result<(), CasError>> {
        let Cas { store, key, seen } = self.take_cas(cas)?;
        match store.swap(key.clone(), seen, value).await {
            Ok(true) => Ok(Ok(())),
            // The guest may try again with what is there now.
            Ok(false) => Ok(Err(self.see(store, key).await?.map_or_else(CasError::StoreError, CasError::CasFailed))),
            Err(error) => Ok(Err(CasError::StoreError(error.into()))),
        }
    }
}

impl HostCas for InstanceView<'_> {
    async fn new(&mut self, bucket: Resource<Handle>, key: String) -> Outcome<Resource<Cas>> {
        let store = self.store(&bucket)?;
        self.see(store, key).await
    }

    /// What a swap will compare with from now on.
    async fn current(&mut self, cas: Resource<Cas>) -> Outcome<Option<Vec<u8>>> {
        let Cas { store, key, .. } = self.cas(&cas)?;
        match store.get(key).await {
            Ok(value) if self.refresh_cas(&cas, value.clone())? => Ok(Ok(value)),
            Ok(_) => Ok(Err(too_much())),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.take_cas(cas).map(drop)
    }
}

impl InstanceView<'_> {
    async fn see(&mut self, store: Handle, key: String) -> Outcome<Resource<Cas>> {
        match store.get(key.clone()).await {
            Ok(seen) => Ok(self.push_cas(Cas { store, key, seen })?.ok_or_else(too_much)),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

fn too_much() -> Error {
    Error::Other(
        "the compare-and-swap handles of this instance hold too much; drop those that you do not need".to_owned(),
    )
}
