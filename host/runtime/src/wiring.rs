//! Links: which component answers which import of which other, checked before any of them runs.

use crate::components::{Compiled, is_linked};
use crate::error::StartError;
use kobliat_engine::{Engine, State, Target};
use kobliat_links::{LinkPlan, check};
use kobliat_manifest::Manifest;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::component::{ComponentExportIndex, Linker};

/// All links of the application.
#[derive(Default)]
pub struct Wiring {
    /// By importer.
    links: BTreeMap<String, Vec<Link>>,
    /// By callee: the functions that its pool is called for, in the order of their positions.
    functions: BTreeMap<String, Vec<ComponentExportIndex>>,
}

struct Link {
    plan: LinkPlan,
    callee: String,
    /// Where the plan's functions begin among the callee's.
    first: usize,
}

impl Wiring {
    /// Compares both sides of every link. All that do not fit are named.
    pub fn check(manifest: &Manifest, engine: &Engine, compiled: &Compiled, links: bool) -> Result<Self, StartError> {
        let mut wiring = Self::default();
        let mut problems = Vec::new();
        for (id, importer) in compiled {
            let Some(component) = manifest.components.get(id) else { continue };
            for dependency in component.dependencies.iter().filter(|one| is_linked(component, one, links)) {
                let Some(callee) = component.kobliat.links.get(&dependency.key) else { continue };
                let Some(exporter) = compiled.get(callee) else { continue };
                match check(engine.wasmtime(), importer, exporter, &dependency.key) {
                    Ok(plan) => wiring.add(id, callee, plan),
                    Err(error) => {
                        problems.push(format!("component `{id}` can not be linked to component `{callee}`: {error}"))
                    }
                }
            }
        }
        StartError::from_all(problems)?;
        Ok(wiring)
    }

    fn add(&mut self, importer: &str, callee: &str, plan: LinkPlan) {
        let functions = self.functions.entry(callee.to_string()).or_default();
        let first = functions.len();
        functions.extend(plan.functions.iter().map(|function| function.export));
        self.links.entry(importer.to_string()).or_default().push(Link { plan, callee: callee.to_string(), first });
    }

    /// The functions that others call of this component.
    pub fn functions_of(&self, component: &str) -> Vec<ComponentExportIndex> {
        self.functions.get(component).cloned().unwrap_or_default()
    }

    pub fn callees(&self) -> impl Iterator<Item = &String> {
        self.functions.keys()
    }

    /// Adds the linked interfaces of `importer` to its linker.
    pub fn add_to_linker(
        &self,
        importer: &str,
        linker: &mut Linker<State>,
        targets: &BTreeMap<String, Arc<Target>>,
    ) -> wasmtime::Result<()> {
        for link in self.links.get(importer).into_iter().flatten() {
            if let Some(target) = targets.get(&link.callee) {
                kobliat_links::add_to_linker(linker, &link.plan, target, link.first)?;
            }
        }
        Ok(())
    }
}
