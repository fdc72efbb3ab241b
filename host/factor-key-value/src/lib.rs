//! Key-value stores for guests: says which component may open which label, bounds what it stores, and asks the label's
//! backend. A backend implements [`Store`] in a crate of its own, which depends on this one.
//!
//! Three interfaces lead to the same stores: `spin:key-value@3.0.0` (asynchronous), `fermyon:spin/key-value@2.0.0` and
//! `wasi:keyvalue@0.2.0-draft2`. What one writes, the others read.

mod bindings;
mod bounds;
mod host;
mod instance;
mod probe;
mod store;

pub use store::{Answer, Page, Store, StoreError};

use std::collections::HashMap;
use std::sync::Arc;

use kobliat_engine::{Factor, Grant, Probing, State};
use wasmtime::component::Linker;

use crate::bindings::{fermyon, spin, wasi};
use crate::instance::{Instance, KeyValueHost, grant};

/// The capability: all stores of the application, and each component's share of them.
pub struct KeyValueFactor {
    stores: HashMap<String, Arc<dyn Store>>,
    grants: HashMap<String, Arc<Grant<Arc<dyn Store>>>>,
}

/// Why the host does not start: one line for each label without a store.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct UnknownLabels(Vec<String>);

impl KeyValueFactor {
    /// `grants` are the labels that each component may open. A granted label without a store is refused.
    pub fn new(
        stores: HashMap<String, Arc<dyn Store>>,
        grants: HashMap<String, Vec<String>>,
    ) -> Result<Self, UnknownLabels> {
        let unknown = unknown_labels(&stores, &grants);
        if !unknown.is_empty() {
            return Err(UnknownLabels(unknown));
        }
        let grants = grants.into_iter().map(|(component, labels)| {
            let grant = grant(&component, &labels, &stores);
            (component, grant)
        });
        let grants = grants.collect();
        Ok(Self { stores, grants })
    }
}

fn unknown_labels(stores: &HashMap<String, Arc<dyn Store>>, grants: &HashMap<String, Vec<String>>) -> Vec<String> {
    let mut unknown: Vec<String> = grants
        .iter()
        .flat_map(|(component, labels)| labels.iter().map(move |label| (component, label)))
        .filter(|(_, label)| !stores.contains_key(*label))
        .map(|(component, label)| {
            format!("[component.{component}] lists the key-value store `{label}`, which is not configured: add [key_value_store.{label}] with `type = \"spin\"` to runtime-config.toml")
        })
        .collect();
    unknown.sort();
    unknown
}

impl Factor for KeyValueFactor {
    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        spin::key_value::key_value::add_to_linker::<State, KeyValueHost>(linker, KeyValueHost::of)?;
        fermyon::spin::key_value::add_to_linker::<State, KeyValueHost>(linker, KeyValueHost::of)?;
        wasi::keyvalue::store::add_to_linker::<State, KeyValueHost>(linker, KeyValueHost::of)?;
        wasi::keyvalue::batch::add_to_linker::<State, KeyValueHost>(linker, KeyValueHost::of)?;
        wasi::keyvalue::atomics::add_to_linker::<State, KeyValueHost>(linker, KeyValueHost::of)
    }

    fn prepare_instance(&self, component: &str, state: &mut State) -> wasmtime::Result<()> {
        let grant = match self.grants.get(component) {
            Some(grant) => Arc::clone(grant),
            None => grant(component, &[], &self.stores),
        };
        let read_only = state.get::<Probing>().is_some();
        let allowance = state.allowance().clone();
        state.insert(Instance::new(grant, allowance, read_only));
        Ok(())
    }
}
