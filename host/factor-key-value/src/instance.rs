//! What one guest instance may open, and the handles that it holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use kobliat_engine::State;
use wasmtime::component::{HasData, Resource, ResourceTable};

use crate::bounds::Bounded;
use crate::probe::ReadOnly;
use crate::store::Store;

/// Stores that an instance may hold open, as in Spin.
const MAX_HANDLES: usize = 256;
/// Values that an instance's compare-and-swap handles may keep in the host's memory, together.
const MAX_SWAP_BYTES: usize = 64 << 20;
/// Refused labels that are logged for one component: a guest may make them up.
const MAX_WARNINGS: usize = 16;

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

/// A component's share of the stores.
pub(crate) struct Grant {
    component: String,
    allowed: HashMap<String, Arc<dyn Store>>,
    /// Labels of others: told apart from unknown ones.
    denied: HashSet<String>,
    warned: Mutex<HashSet<String>>,
}

impl Grant {
    pub fn new(component: &str, labels: &[String], stores: &HashMap<String, Arc<dyn Store>>) -> Self {
        let allowed: HashMap<_, _> =
            labels.iter().filter_map(|label| Some((label.clone(), Arc::clone(stores.get(label)?)))).collect();
        let denied = stores.keys().filter(|label| !allowed.contains_key(*label)).cloned().collect();
        Self { component: component.to_owned(), allowed, denied, warned: Mutex::default() }
    }

    fn open(&self, label: &str) -> Result<Arc<dyn Store>, Refusal> {
        if let Some(store) = self.allowed.get(label) {
            return Ok(Arc::clone(store));
        }
        self.warn_once(label);
        Err(if self.denied.contains(label) { Refusal::AccessDenied } else { Refusal::NoSuchStore })
    }

    fn warn_once(&self, label: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_WARNINGS && label.len() <= 64 && warned.insert(label.to_owned()) {
            let component = &self.component;
            tracing::warn!(
                component = %component,
                "component `{component}` may not open key-value store `{label}`: add {label:?} to key_value_stores of [component.{component}] in spin.toml (and to its `own`, if it has one)"
            );
        }
    }
}

/// An instance's data in its store.
pub(crate) struct Instance {
    grant: Arc<Grant>,
    handles: usize,
    swap_bytes: usize,
    /// It only probes a new version of its component.
    read_only: bool,
}

impl Instance {
    pub fn new(grant: Arc<Grant>, read_only: bool) -> Self {
        Self { grant, handles: 0, swap_bytes: 0, read_only }
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
        let handle = match self.instance.grant.open(label) {
            Ok(store) if self.instance.read_only => Bounded::new(Arc::new(ReadOnly(store))),
            Ok(store) => Bounded::new(store),
            Err(refusal) => return Ok(Err(refusal)),
        };
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
        let bytes = self.instance.swap_bytes + cas.held_bytes();
        if bytes > MAX_SWAP_BYTES {
            return Ok(None);
        }
        let resource = self.table.push(cas)?;
        self.instance.swap_bytes = bytes;
        Ok(Some(resource))
    }

    pub fn cas(&self, cas: &Resource<Cas>) -> wasmtime::Result<Cas> {
        Ok(self.table.get(cas)?.clone())
    }

    /// Notes what the guest has seen last; false when that is too much to keep.
    pub fn refresh_cas(&mut self, cas: &Resource<Cas>, seen: Option<Vec<u8>>) -> wasmtime::Result<bool> {
        let held = self.table.get_mut(cas)?;
        let others = self.instance.swap_bytes - held.held_bytes();
        let before = std::mem::replace(&mut held.seen, seen);
        if others + held.held_bytes() > MAX_SWAP_BYTES {
            held.seen = before;
            return Ok(false);
        }
        self.instance.swap_bytes = others + held.held_bytes();
        Ok(true)
    }

    pub fn take_cas(&mut self, cas: Resource<Cas>) -> wasmtime::Result<Cas> {
        let cas = self.table.delete(cas)?;
        self.instance.swap_bytes -= cas.held_bytes();
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
