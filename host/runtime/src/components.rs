//! From spin.toml to compiled components: read the files, compose what is not linked, compile what is used.

use crate::error::StartError;
use kobliat_compose::{Dependency as ComposeDependency, compose};
use kobliat_engine::ComponentCache;
use kobliat_manifest::{Component as Declared, ComponentSource, Dependency, DependencyKind, HttpTarget, Manifest};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

/// Compiled components by id.
pub type Compiled = BTreeMap<String, Component>;

/// Which dependencies are links, and so not composed.
pub fn is_linked(component: &Declared, dependency: &Dependency, links: bool) -> bool {
    links && component.kobliat.links.contains_key(&dependency.key)
}

/// Whether the component runs with what its dependencies need as well as its own.
pub fn is_composed(component: &Declared, links: bool) -> bool {
    component.dependencies.iter().any(|dependency| !is_linked(component, dependency, links))
}

/// The components that have a trigger or are linked to; others are not loaded.
pub fn used(manifest: &Manifest, links: bool) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for trigger in &manifest.http_triggers {
        if let HttpTarget::Component { id, .. } = &trigger.target {
            used.insert(id.clone());
        }
    }
    if links {
        let targets = manifest.components.values().flat_map(|component| component.kobliat.links.values().cloned());
        used.extend(targets);
    }
    used
}

/// Compiles every used component. All that fail are named.
pub fn compile(
    manifest: &Manifest,
    cache: &ComponentCache,
    links: bool,
    progress: fn(&str),
) -> Result<Compiled, StartError> {
    let mut compiled = Compiled::new();
    let mut problems = Vec::new();
    for id in used(manifest, links) {
        let Some(component) = manifest.components.get(&id) else { continue };
        let wasm = Loader { manifest, links }.load(component, &mut vec![id.clone()]);
        if wasm.as_ref().is_ok_and(|wasm| !cache.has(wasm)) {
            progress(&format!("Compiling component `{id}` to machine code (once for each version)"));
        }
        let loaded = wasm
            .and_then(|wasm| cache.load(&wasm).map_err(|error| format!("failed to compile component `{id}`: {error}")));
        match loaded {
            Ok(component) => drop(compiled.insert(id, component)),
            Err(problem) => problems.push(problem),
        }
    }
    StartError::from_all(problems)?;
    Ok(compiled)
}

struct Loader<'m> {
    manifest: &'m Manifest,
    links: bool,
}

impl Loader<'_> {
    /// The component's bytes, with its dependencies inside where they are not linked. `path` is how we came here.
    fn load(&self, component: &Declared, path: &mut Vec<String>) -> Result<Vec<u8>, String> {
        let own = self.read(&component.source, &format!("component `{}`", component.id))?;
        let composed = component.dependencies.iter().filter(|one| !is_linked(component, one, self.links));
        let mut parts = Vec::new();
        for dependency in composed {
            parts.push((dependency, self.dependency(component, dependency, path)?));
        }
        let dependencies: Vec<ComposeDependency<'_>> = parts
            .iter()
            .map(|(dependency, bytes)| ComposeDependency {
                key: &dependency.key,
                export: dependency.export.as_deref(),
                bytes,
            })
            .collect();
        compose(&component.id, &own, &dependencies).map_err(|error| error.to_string())
    }

    fn dependency(&self, of: &Declared, dependency: &Dependency, path: &mut Vec<String>) -> Result<Vec<u8>, String> {
        let what = format!("the dependency `{}` of component `{}`", dependency.key, of.id);
        match &dependency.kind {
            DependencyKind::Path(file) => self.read(&ComponentSource::Path(file.clone()), &what),
            DependencyKind::Component(id) => {
                if path.contains(id) {
                    path.push(id.clone());
                    return Err(format!("{what} goes in a circle: {}", path.join(" → ")));
                }
                let component =
                    self.manifest.components.get(id).ok_or_else(|| format!("{what}: no component `{id}`"))?;
                path.push(id.clone());
                let bytes = self.load(component, path);
                path.pop();
                bytes
            }
            _ => Err(format!("{what} comes from a registry or URL, which this host does not fetch yet; use `path`")),
        }
    }

    fn read(&self, source: &ComponentSource, what: &str) -> Result<Vec<u8>, String> {
        let ComponentSource::Path(path) = source else {
            return Err(format!("{what} comes from a registry or URL, which this host does not fetch yet; use a path"));
        };
        let file = self.resolve(path);
        std::fs::read(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!(
                    "{what} is not built: `{}` is missing; run `kobliat build`, or `kobliat up --build`",
                    file.display()
                )
            }
            _ => format!("failed to read `{}` of {what}: {error}", file.display()),
        })
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        self.manifest.dir.join(path)
    }
}
