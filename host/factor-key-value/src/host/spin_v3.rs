//! `spin:key-value/key-value@3.0.0`, where everything is asynchronous.

use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::keys::key_stream;
use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::instance::{Handle, InstanceView, KeyValueHost, Refusal};
use crate::store::StoreError;

type Keys = (StreamReader<String>, FutureReader<Result<(), Error>>);
type Outcome<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceView<'_> {}

impl HostStore for InstanceView<'_> {
    async fn drop(&mut self, store: Resource<Handle>) -> wasmtime::Result<()> {
        self.close(store)
    }
}

impl<T: Send + 'static> HostStoreWithStore<T> for KeyValueHost {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Outcome<Resource<Handle>> {
        accessor.with(|mut access| Ok(InstanceView::open(&mut access.get(), &label)?.map_err(Error::from)))
    }

    async fn get(accessor: &Accessor<T, Self>, store: Resource<Handle>, key: String) -> Outcome<Option<Vec<u8>>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.get(key).await.map_err(Error::from))
    }

    async fn set(accessor: &Accessor<T, Self>, store: Resource<Handle>, key: String, value: Vec<u8>) -> Outcome<()> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.set(key, value).await.map_err(Error::from))
    }

    async fn delete(accessor: &Accessor<T, Self>, store: Resource<Handle>, key: String) -> Outcome<()> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.delete(key).await.map_err(Error::from))
    }

    async fn exists(accessor: &Accessor<T, Self>, store: Resource<Handle>, key: String) -> Outcome<bool> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.exists(key).await.map_err(Error::from))
    }

    /// The keys are read page by page while the guest takes them: it may use the store meanwhile, or never take any.
    async fn get_keys(accessor: &Accessor<T, Self>, store: Resource<Handle>) -> wasmtime::Result<Keys> {
        accessor.with(|mut access| {
            let store = access.get().store(&store)?;
            let (stream, outcome) = key_stream(store);
            let keys = StreamReader::new(&mut access, stream)?;
            let outcome = async move { wasmtime::error::Ok(outcome.await.map_err(Error::from)) };
            Ok((keys, FutureReader::new(&mut access, outcome)?))
        })
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
