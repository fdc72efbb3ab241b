//! Links: which component answers which import of which other, checked before any of them runs.

use crate::components::is_linked;
use kobliat_engine::{State, Target};
use kobliat_links::{LinkPlan, check};
use kobliat_manifest::Component as Declared;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, Linker};

/// The functions that are called by links, by callee.
///
/// A stub names a function by its position. That is the same in every version of the callee, so that a version can be
/// exchanged under its callers: positions are given by name, and never taken back.
#[derive(Default)]
pub struct Wiring {
    positions: Mutex<BTreeMap<String, Vec<Function>>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Function {
    interface: String,
    name: String,
}

/// The links of a component: interface and callee.
pub fn links_of(component: &Declared, links: bool) -> impl Iterator<Item = (&str, &str)> {
    let linked = component.dependencies.iter().filter(move |dependency| is_linked(component, dependency, links));
    linked.filter_map(|dependency| {
        let callee = component.kobliat.links.get(&dependency.key)?;
        Some((dependency.key.as_str(), callee.as_str()))
    })
}

impl Wiring {
    fn positions(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Function>>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a pool of this version of `callee` is called for: all functions of the interfaces that others are linked to,
    /// by position. `None` for a function that this version does not have (and nobody that runs needs).
    pub fn functions_of<'a>(
        &self,
        callee: &str,
        component: &Component,
        interfaces: impl Iterator<Item = &'a str>,
    ) -> Vec<Option<ComponentExportIndex>> {
        let mut positions = self.positions();
        let known = positions.entry(callee.to_owned()).or_default();
        for function in interfaces.flat_map(|interface| exported(component, interface)) {
            if !known.contains(&function) {
                known.push(function);
            }
        }
        known.iter().map(|function| index_of(component, function)).collect()
    }

    /// Answers the import of an interface by the callee's target.
    pub fn link(
        &self,
        linker: &mut Linker<State>,
        importer: &Component,
        callee: &Component,
        interface: &str,
        target: &Arc<Target>,
    ) -> Result<(), String> {
        let plan = check(linker.engine(), importer, callee, interface).map_err(|error| error.to_string())?;
        let positions = self.positions_of(target.component(), &plan);
        kobliat_links::add_to_linker(linker, &plan, target, &positions).map_err(|error| format!("{error:#}"))
    }

    fn positions_of(&self, callee: &str, plan: &LinkPlan) -> Vec<usize> {
        let mut positions = self.positions();
        let known = positions.entry(callee.to_owned()).or_default();
        let mut of = |name: &str| {
            let function = Function { interface: plan.interface.clone(), name: name.to_owned() };
            known.iter().position(|one| *one == function).unwrap_or_else(|| {
                known.push(function);
                known.len() - 1
            })
        };
        plan.functions.iter().map(|function| of(&function.name)).collect()
    }
}

fn exported(component: &Component, interface: &str) -> Vec<Function> {
    let Some((ComponentItem::ComponentInstance(offered), _)) = component.get_export(None, interface) else {
        return Vec::new();
    };
    let items = offered.exports(component.engine());
    let functions = items.filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
    functions.map(|(name, _)| Function { interface: interface.to_owned(), name: name.to_owned() }).collect()
}

fn index_of(component: &Component, function: &Function) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, &function.interface)?;
    component.get_export_index(Some(&interface), &function.name)
}
