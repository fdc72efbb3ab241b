//! The host's side of the import: each instance gets its component's values, and `get` looks them up.

use std::collections::BTreeMap;
use std::sync::Arc;

use kobliat_engine::{Factor, State};
use kobliat_manifest::{Component, Manifest, is_variable_name};
use wasmtime::component::{Accessor, HasData, Linker};

use crate::bindings::fermyon::spin::variables as sync;
use crate::bindings::spin::variables::variables;
use crate::bindings::wasi::config::store as config;
use crate::resolver::{Resolver, Values};

/// Which of its variables a component may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Its `own`: dependencies are linked, and read theirs as components of their own.
    Own,
    /// All that it lists: composed dependencies inherit from it.
    Listed,
}

pub struct VariablesFactor {
    components: BTreeMap<String, Arc<Values>>,
}

/// What an instance keeps.
struct ComponentVariables(Arc<Values>);

impl VariablesFactor {
    pub fn new(manifest: &Manifest, resolver: &Resolver, scope: impl Fn(&Component) -> Scope) -> Self {
        let readable = |component: &Component| match scope(component) {
            Scope::Listed => resolver.component(&component.id),
            Scope::Own => own_values(component, resolver),
        };
        let components = manifest.components.values().map(|component| (component.id.clone(), readable(component)));
        Self { components: components.collect() }
    }
}

fn own_values(component: &Component, resolver: &Resolver) -> Arc<Values> {
    let own = &component.kobliat.own.variables;
    let listed = resolver.component(&component.id);
    Arc::new(listed.iter().filter(|(name, _)| own.contains(*name)).map(|(n, v)| (n.clone(), v.clone())).collect())
}

impl Factor for VariablesFactor {
    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        variables::add_to_linker::<_, Variables>(linker, |state| state)?;
        sync::add_to_linker::<_, Variables>(linker, |state| state)?;
        config::add_to_linker::<_, Variables>(linker, |state| state)
    }

    fn prepare_instance(&self, component: &str, state: &mut State) -> wasmtime::Result<()> {
        state.insert(ComponentVariables(self.components.get(component).cloned().unwrap_or_default()));
        Ok(())
    }
}

/// Names the state that the generated code works on.
struct Variables;

impl HasData for Variables {
    type Data<'a> = &'a mut State;
}

impl variables::Host for State {}

impl<T: Send> variables::HostWithStore<T> for Variables {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, variables::Error>> {
        Ok(accessor.with(|mut access| look_up(access.get(), &name)).map_err(|refusal| match refusal {
            Refusal::InvalidName(reason) => variables::Error::InvalidName(reason),
            Refusal::Undefined(reason) => variables::Error::Undefined(reason),
        }))
    }
}

impl sync::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, sync::Error>> {
        Ok(look_up(self, &name).map_err(|refusal| match refusal {
            Refusal::InvalidName(reason) => sync::Error::InvalidName(reason),
            Refusal::Undefined(reason) => sync::Error::Undefined(reason),
        }))
    }
}

/// The draft knows no undefined name: that is `none`.
impl config::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, config::Error>> {
        Ok(match look_up(self, &key) {
            Ok(value) => Ok(Some(value)),
            Err(Refusal::Undefined(_)) => Ok(None),
            Err(Refusal::InvalidName(reason)) => Err(config::Error::Upstream(reason)),
        })
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config::Error>> {
        let all = State::get::<ComponentVariables>(self).map(|variables| Arc::clone(&variables.0)).unwrap_or_default();
        Ok(Ok(all.iter().map(|(name, value)| (name.clone(), value.clone())).collect()))
    }
}

enum Refusal {
    InvalidName(String),
    Undefined(String),
}

/// The longest name that is repeated to the guest; a longer one is nobody's variable.
const LONGEST_NAME: usize = 200;

fn look_up(state: &State, name: &str) -> Result<String, Refusal> {
    if name.len() > LONGEST_NAME || !is_variable_name(name) {
        return Err(Refusal::InvalidName("a variable's name is lower_snake_case".to_owned()));
    }
    let value = state.get::<ComponentVariables>().and_then(|variables| variables.0.get(name));
    value.cloned().ok_or_else(|| {
        let component = state.component();
        Refusal::Undefined(format!("no variable `{name}`; add it to [component.{component}.variables] in spin.toml"))
    })
}

#[cfg(test)]
mod tests;
