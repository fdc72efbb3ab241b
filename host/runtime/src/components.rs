//! From spin.toml to compiled components: read the files, compose what is not linked, compile what is used.

use crate::error::StartError;
use crate::lifecycle::Digest;
use kobliat_compose::{Dependency as ComposeDependency, compose};
use kobliat_engine::ComponentCache;
use kobliat_manifest::{Component as Declared, ComponentSource, Dependency, DependencyKind, HttpTarget, Manifest};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

/// Compiled components by id.
pub type Compiled = BTreeMap<String, Loaded>;

/// A component that is ready to be linked.
pub struct Loaded {
    /// Of the component's own file.
    pub digest: Digest,
    pub component: Component,
}

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
    let loader = Loader { manifest, links };
    for id in used(manifest, links) {
        let Some(component) = manifest.components.get(&id) else { continue };
        let loaded = loader.read_own(component).and_then(|own| {
            let wasm = loader.compose(component, &own)?;
            if !cache.has(&wasm) {
                progress(&format!("Compiling component `{id}` to machine code (once for each version)"));
            }
            let component =
                cache.load(&wasm).map_err(|error| format!("failed to compile component `{id}`: {error}"))?;
            Ok(Loaded { digest: Digest::of(&own), component })
        });
        match loaded {
            Ok(loaded) => drop(compiled.insert(id, loaded)),
            Err(problem) => problems.push(problem),
        }
    }
    StartError::from_all(problems)?;
    Ok(compiled)
}

pub struct Loader<'m> {
    pub manifest: &'m Manifest,
    pub links: bool,
}

impl Loader<'_> {
    /// The bytes of the component's own file.
    pub fn read_own(&self, component: &Declared) -> Result<Vec<u8>, String> {
        self.read(&component.source, &format!("component `{}`", component.id))
    }

    /// `own` with the dependencies inside that are not linked.
    pub fn compose(&self, component: &Declared, own: &[u8]) -> Result<Vec<u8>, String> {
        self.with_dependencies(component, own, &mut vec![component.id.clone()])
    }

    /// The component's bytes, with its dependencies inside where they are not linked. `path` is how we came here.
    fn load(&self, component: &Declared, path: &mut Vec<String>) -> Result<Vec<u8>, String> {
        self.with_dependencies(component, &self.read_own(component)?, path)
    }

    fn with_dependencies(&self, component: &Declared, own: &[u8], path: &mut Vec<String>) -> Result<Vec<u8>, String> {
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
        compose(&component.id, own, &dependencies).map_err(|error| error.to_string())
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
