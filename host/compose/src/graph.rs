//! The composition graph: one instance of the component, one of each dependency, and the imports between them.

use std::collections::BTreeMap;

use wac_graph::types::{ItemKind, Package, SubtypeChecker, WorldId, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::{ComposeError, Dependency, DependencyKey};

/// The names that a component imports and exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// What a component imports and exports, by name. `what` names it in the error.
pub fn world(what: &str, component: &[u8]) -> Result<World, ComposeError> {
    let mut graph = CompositionGraph::new();
    let part = Part::add(&mut graph, what.to_owned(), "component", component)?;
    Ok(World { imports: part.imports(&graph), exports: part.exports(&graph) })
}

/// A component in the graph.
#[derive(Clone, Copy)]
struct Part {
    world: WorldId,
    instance: NodeId,
}

impl Part {
    /// `name` is unique in the graph; `what` is how people know it.
    fn add(graph: &mut CompositionGraph, what: String, name: &str, bytes: &[u8]) -> Result<Part, ComposeError> {
        let refuse = |reason: String| ComposeError::NotAComponent { what: what.clone(), reason };
        let package =
            Package::from_bytes(name, None, bytes, graph.types_mut()).map_err(|e| refuse(format!("{e:#}")))?;
        let world = package.ty();
        let package = graph.register_package(package).map_err(|e| refuse(e.to_string()))?;
        Ok(Part { world, instance: graph.instantiate(package) })
    }

    fn imports(self, graph: &CompositionGraph) -> Vec<String> {
        graph.types()[self.world].imports.keys().cloned().collect()
    }

    fn exports(self, graph: &CompositionGraph) -> Vec<String> {
        graph.types()[self.world].exports.keys().cloned().collect()
    }

    /// The export called so, or else one of a compatible version: a dependency may be newer than the contract it was asked for.
    fn export(self, graph: &CompositionGraph, name: &str) -> Option<(String, ItemKind)> {
        let exports = &graph.types()[self.world].exports;
        let exact = exports.get_key_value(name);
        let found = exact.or_else(|| exports.iter().find(|(export, _)| are_semver_compatible(export, name)));
        found.map(|(export, kind)| (export.clone(), *kind))
    }
}

pub(crate) struct Composer<'a> {
    id: &'a str,
    graph: CompositionGraph,
    depender: Part,
}

impl<'a> Composer<'a> {
    pub fn new(id: &'a str, component: &[u8]) -> Result<Composer<'a>, ComposeError> {
        let mut graph = CompositionGraph::new();
        let depender = Part::add(&mut graph, format!("component `{id}`"), "component", component)?;
        Ok(Composer { id, graph, depender })
    }

    pub fn compose(mut self, dependencies: &[Dependency<'_>]) -> Result<Vec<u8>, ComposeError> {
        let satisfied = self.satisfied(dependencies)?;
        for (index, (dependency, imports)) in dependencies.iter().zip(satisfied).enumerate() {
            let what = format!("the dependency `{}` of component `{}`", dependency.key, self.id);
            let part = Part::add(&mut self.graph, what, &format!("dependency-{index}"), dependency.bytes)?;
            for import in imports {
                self.satisfy(&import, dependency, part)?;
            }
        }
        self.export_all()?;
        self.graph.encode(EncodeOptions::default()).map_err(|error| self.failed(&error))
    }

    /// Puts the depender in front of another component, whose exports stay exports where the depender has none of that name.
    pub fn wrap(mut self, inner: &Dependency<'_>) -> Result<Vec<u8>, ComposeError> {
        let part = Part::add(&mut self.graph, "the component behind middleware".to_owned(), "wrapped", inner.bytes)?;
        self.satisfy(inner.key, inner, part)?;
        self.export_all()?;
        let own = self.depender.exports(&self.graph);
        for name in part.exports(&self.graph).into_iter().filter(|name| !own.contains(name)) {
            self.export(part, &name)?;
        }
        self.graph.encode(EncodeOptions::default()).map_err(|error| self.failed(&error))
    }

    /// Has `imports` answered by one component, which exports them all.
    pub fn answer(mut self, imports: &[String], by: &[u8]) -> Result<Vec<u8>, ComposeError> {
        let part = Part::add(&mut self.graph, format!("what answers for {}", self.id), "answers", by)?;
        for import in imports {
            self.satisfy(import, &Dependency { key: import, export: None, bytes: by }, part)?;
        }
        self.export_all()?;
        self.graph.encode(EncodeOptions::default()).map_err(|error| self.failed(&error))
    }

    /// The imports that each dependency satisfies: at least one each, and none twice.
    fn satisfied(&self, dependencies: &[Dependency<'_>]) -> Result<Vec<Vec<String>>, ComposeError> {
        let imports = self.depender.imports(&self.graph);
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        let mut satisfied = Vec::with_capacity(dependencies.len());
        for Dependency { key, .. } in dependencies {
            let matched = self.matched(key, &imports)?;
            for import in &matched {
                if let Some(other) = taken.insert(import.clone(), key) {
                    let keys = vec![other.to_owned(), (*key).to_owned()];
                    return Err(ComposeError::Conflict { id: self.id.to_owned(), import: import.clone(), keys });
                }
            }
            satisfied.push(matched);
        }
        Ok(satisfied)
    }

    fn matched(&self, key: &str, imports: &[String]) -> Result<Vec<String>, ComposeError> {
        let (id, named) = (self.id.to_owned(), key.to_owned());
        let key = match DependencyKey::parse(key) {
            Ok(key) => key,
            Err(reason) => return Err(ComposeError::InvalidKey { id, key: named, reason }),
        };
        let matched: Vec<_> = imports.iter().filter(|import| key.matches(import)).cloned().collect();
        if matched.is_empty() {
            return Err(ComposeError::NoImport { id, key: named, imports: imports.to_vec() });
        }
        Ok(matched)
    }

    fn satisfy(&mut self, import: &str, dependency: &Dependency<'_>, part: Part) -> Result<(), ComposeError> {
        let wanted = dependency.export.unwrap_or(import);
        let Some((export, found)) = part.export(&self.graph, wanted) else {
            return Err(ComposeError::NoExport {
                id: self.id.to_owned(),
                key: dependency.key.to_owned(),
                import: import.to_owned(),
                export: wanted.to_owned(),
                exports: part.exports(&self.graph),
            });
        };
        if let Err(reason) = self.check(import, found) {
            return Err(ComposeError::Mismatch {
                id: self.id.to_owned(),
                key: dependency.key.to_owned(),
                import: import.to_owned(),
                export,
                reason,
            });
        }
        let argument = self.graph.alias_instance_export(part.instance, &export).map_err(|error| self.failed(&error))?;
        self.graph
            .set_instantiation_argument(self.depender.instance, import, argument)
            .map_err(|error| self.failed(&error))
    }

    /// Whether what a dependency exports may stand where the depender imports.
    fn check(&self, import: &str, found: ItemKind) -> Result<(), String> {
        let types = self.graph.types();
        let Some(wanted) = types[self.depender.world].imports.get(import) else { return Ok(()) };
        let mut cache = Default::default();
        SubtypeChecker::new(&mut cache).is_subtype(found, types, *wanted, types).map_err(|reason| format!("{reason:#}"))
    }

    /// The composition exports what the depender exports; what its dependencies export stays inside.
    fn export_all(&mut self) -> Result<(), ComposeError> {
        for name in self.depender.exports(&self.graph) {
            self.export(self.depender, &name)?;
        }
        Ok(())
    }

    fn export(&mut self, part: Part, name: &str) -> Result<(), ComposeError> {
        let exported = self.graph.alias_instance_export(part.instance, name).map_err(|error| self.failed(&error))?;
        self.graph.export(exported, name).map(drop).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::error::Error) -> ComposeError {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            reason = format!("{reason}: {next}");
            cause = next.source();
        }
        ComposeError::Graph { id: self.id.to_owned(), reason }
    }
}
