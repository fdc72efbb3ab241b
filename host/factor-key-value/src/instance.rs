//! What one guest instance may open, and the handles that it holds.

use std::collections::HashMap;
use std::sync::Arc;

use kobliat_engine::{Allowance, Grant, Held, Labelled, Refused, State};
use wasmtime::component::{HasData, Resource, ResourceTable};

use crate::bounds::Bounded;
use crate::probe::ReadOnly;
use crate::store::Store;

/// Stores that an instance may hold open, as in Spin.
const MAX_HANDLES: usize = 256;
static STORES: Labelled = Labelled { noun: "key-value store", key: "key_value_stores" };

/// A guest's open store. Cloned for the operations under way, which may outlive the handle.
pub type Handle = Bounded;

/// A guest's compare-and-swap handle: what it saw of a key.
#[derive(Clone)]
pub struct Cas {
    pub(crate) store: Handle,
    pub(crate) key: String,
    pub(crate) seen: Option<Vec<u8>>,
}

/// Why a store is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    TableFull,
    NoSuchStore,
    AccessDenied,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied => Self::AccessDenied,
            Refused::Unknown => Self::NoSuchStore,
        }
    }
}

/// A component's share of the stores.
pub(crate) fn grant(
    component: &str,
    labels: &[String],
    stores: &HashMap<String, Arc<dyn Store>>,
) -> Arc<Grant<Arc<dyn Store>>> {
    Arc::new(Grant::new(component, &STORES, labels, stores.clone()))
}

/// An instance's data in its store.
pub(crate) struct Instance {
    grant: Arc<Grant<Arc<dyn Store>>>,
    handles: usize,
    allowance: Allowance,
    /// What its compare-and-swap handles keep.
    swaps: Held,
    /// It only probes a new version of its component.
    read_only: bool,
}

impl Instance {
    pub fn new(grant: Arc<Grant<Arc<dyn Store>>>, allowance: Allowance, read_only: bool) -> Self {
        Self { grant, handles: 0, swaps: allowance.nothing(), allowance, read_only }
    }
}

/// The view of the store that the host functions work on.
pub(crate) struct KeyValueHost;

impl HasData for KeyValueHost {
    type Data<'a> = InstanceView<'a>;
}

impl KeyValueHost {
    pub fn of(state: &mut State) -> InstanceView<'_> {
        let (instance, table) = state.get_with_table::<Instance>().expect("prepare_instance has inserted it");
        InstanceView { instance, table }
    }
}

pub(crate) struct InstanceView<'a> {
    instance: &'a mut Instance,
    table: &'a mut ResourceTable,
}

impl InstanceView<'_> {
    pub fn open(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Handle>, Refusal>> {
        if self.instance.handles >= MAX_HANDLES {
            return Ok(Err(Refusal::TableFull));
        }
        let store = match self.instance.grant.open(label) {
            Ok((_, store)) => Arc::clone(store),
            Err(refused) => return Ok(Err(refused.into())),
        };
        let handle = if self.instance.read_only { Arc::new(ReadOnly(store)) } else { store };
        let handle = Bounded::new(handle, self.instance.allowance.clone());
        let resource = self.table.push(handle)?;
        self.instance.handles += 1;
        Ok(Ok(resource))
    }

    pub fn store(&self, handle: &Resource<Handle>) -> wasmtime::Result<Handle> {
        Ok(self.table.get(handle)?.clone())
    }

    pub fn close(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.instance.handles -= 1;
        Ok(())
    }

    /// `None` when the instance's handles keep too much already.
    pub fn push_cas(&mut self, cas: Cas) -> wasmtime::Result<Option<Resource<Cas>>> {
        if self.instance.swaps.grow(cas.held_bytes()).is_err() {
            return Ok(None);
        }
        Ok(Some(self.table.push(cas)?))
    }

    pub fn cas(&self, cas: &Resource<Cas>) -> wasmtime::Result<Cas> {
        Ok(self.table.get(cas)?.clone())
    }

    /// Notes what the guest has seen last; false when that is too much to keep.
    pub fn refresh_cas(&mut self, cas: &Resource<Cas>, seen: Option<Vec<u8>>) -> wasmtime::Result<bool> {
        let held = self.table.get_mut(cas)?;
        let before = held.seen.take();
        let (smaller, larger) = (before.as_ref().map_or(0, Vec::len), seen.as_ref().map_or(0, Vec::len));
        self.instance.swaps.shrink(smaller);
        if self.instance.swaps.grow(larger).is_err() {
            return Ok(false);
        }
        held.seen = seen;
        Ok(true)
    }

    pub fn take_cas(&mut self, cas: Resource<Cas>) -> wasmtime::Result<Cas> {
        let cas = self.table.delete(cas)?;
        self.instance.swaps.shrink(cas.held_bytes());
        Ok(cas)
    }
}

impl Cas {
    fn held_bytes(&self) -> usize {
        /// The handle itself, so that many handles of nothing count, too.
        const HANDLE: usize = 256;
        HANDLE + self.key.len() + self.seen.as_ref().map_or(0, Vec::len)
    }
}
