//! From spin.toml to compiled components: read the files, compose what is not linked, compile what is used.

use crate::error::StartError;
use crate::inheritance;
use crate::lifecycle::{Archive, Digest};
use crate::middleware;
use kobliat_compose::{Dependency as ComposeDependency, componentize, compose, is_module, release, world};
use kobliat_engine::{ComponentCache, Handler, HandlerError};
use kobliat_manifest::{Component as Declared, ComponentSource, Dependency, DependencyKind, HttpTarget, Manifest};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

/// Compiled components by id.
pub type Compiled = BTreeMap<String, Loaded>;

/// A component that is ready to be linked.
pub struct Loaded {
    /// Of the component's own file.
    pub digest: Digest,
    /// It is not the manifest's: an operator has swapped it in.
    pub pinned: bool,
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
    let mut used = serving(manifest);
    if links {
        let targets = manifest.components.values().flat_map(|component| component.kobliat.links.values().cloned());
        used.extend(targets);
    }
    used
}

/// The components with an HTTP trigger.
fn serving(manifest: &Manifest) -> BTreeSet<String> {
    let targets = manifest.http_triggers.iter().filter_map(|trigger| match &trigger.target {
        HttpTarget::Component { id, .. } => Some(id.clone()),
        HttpTarget::Static(_) => None,
    });
    targets.collect()
}

/// A component that can be compiled: what is composed into it is inside.
pub struct Whole {
    digest: Digest,
    pinned: bool,
    wasm: Vec<u8>,
    /// How it takes requests; only components with an HTTP trigger have one.
    pub handler: Option<Handler>,
}

/// Reads every used component. All that fail are named.
pub fn read(manifest: &Manifest, archive: &Archive, links: bool) -> Result<BTreeMap<String, Whole>, StartError> {
    let mut wholes = BTreeMap::new();
    let mut problems = Vec::new();
    let (loader, serving) = (Loader { manifest, links }, serving(manifest));
    for id in used(manifest, links) {
        let Some(component) = manifest.components.get(&id) else { continue };
        let pinned = archive.pinned(&id);
        let own = match &pinned {
            Some(digest) => archive.read(digest).map_err(|error| {
                format!("component `{id}` runs a version that was swapped in, and it is not there: {error}; start with `--reset` to run the manifest's")
            }),
            None => loader.read_own(component),
        };
        let whole = own.and_then(|own| {
            let wasm = loader.compose(component, &own)?;
            let world = world(&format!("component `{id}`"), &wasm).map_err(|error| error.to_string())?;
            // That there is none is told with all else that keeps a version from running.
            let handler = Handler::among(world.exports.iter().map(String::as_str)).ok();
            let handler = handler.filter(|_| serving.contains(&id));
            // So that a swap of it can be taken back, even when its file has been built anew.
            let digest = archive.keep(&own).map_err(|error| format!("failed to keep component `{id}`: {error}"))?;
            Ok(Whole { digest, pinned: pinned.is_some(), wasm, handler })
        });
        match whole {
            Ok(whole) => drop(wholes.insert(id, whole)),
            Err(problem) => problems.push(problem),
        }
    }
    StartError::from_all(problems)?;
    Ok(wholes)
}

/// Why the component can not have an HTTP trigger.
pub fn no_handler(id: &str, error: &HandlerError) -> String {
    format!("component `{id}` has an HTTP trigger, but {error}")
}

/// Compiles what was read. All that fail are named.
pub fn compile(
    wholes: BTreeMap<String, Whole>,
    cache: &ComponentCache,
    progress: fn(&str),
) -> Result<Compiled, StartError> {
    let mut compiled = Compiled::new();
    let mut problems = Vec::new();
    for (id, Whole { digest, pinned, wasm, .. }) in wholes {
        let found = cache.find(&wasm).map(Ok);
        let loaded = found.unwrap_or_else(|| {
            progress(&format!("Compiling component `{id}` to machine code (once for each version)"));
            cache.load(&wasm)
        });
        match loaded {
            Ok(component) => drop(compiled.insert(id, Loaded { digest, pinned, component })),
            Err(error) => problems.push(format!("failed to compile component `{id}`: {error}")),
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

    /// `own` with the dependencies inside that are not linked, behind the middleware of its triggers.
    pub fn compose(&self, component: &Declared, own: &[u8]) -> Result<Vec<u8>, String> {
        let composed = self.with_dependencies(component, own, &mut vec![component.id.clone()])?;
        middleware::wrap(self, &component.id, composed)
    }

    /// The component's bytes, with its dependencies inside where they are not linked. `path` is how we came here.
    fn load(&self, component: &Declared, path: &mut Vec<String>) -> Result<Vec<u8>, String> {
        self.with_dependencies(component, &self.read_own(component)?, path)
    }

    fn with_dependencies(&self, component: &Declared, own: &[u8], path: &mut Vec<String>) -> Result<Vec<u8>, String> {
        let own = as_component(own, &format!("component `{}`", component.id))?;
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
        let part = self.part(&what, &dependency.kind, path)?;
        inheritance::restrict(&what, part, &dependency.inherit_configuration, &self.linked(of))
    }

    /// The imports of the component that are answered by links.
    pub fn linked<'c>(&self, component: &'c Declared) -> BTreeSet<&'c str> {
        let links = self.links.then(|| component.kobliat.links.keys().map(String::as_str));
        links.into_iter().flatten().collect()
    }

    /// What goes into another component: a dependency, or a layer in front of it.
    pub fn part(&self, what: &str, kind: &DependencyKind, path: &mut Vec<String>) -> Result<Vec<u8>, String> {
        match kind {
            DependencyKind::Path(file) => {
                Ok(as_component(&self.read(&ComponentSource::Path(file.clone()), what)?, what)?.into_owned())
            }
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
            _ => Err(format!("{what} comes from a registry, from which this host does not fetch; use `url` or `path`")),
        }
    }

    fn read(&self, source: &ComponentSource, what: &str) -> Result<Vec<u8>, String> {
        let ComponentSource::Path(path) = source else {
            return Err(format!(
                "{what} comes from a registry, from which this host does not fetch; use `url` or a path"
            ));
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

/// A core module becomes a component first, and a component of the draft one of the release.
fn as_component<'b>(bytes: &'b [u8], what: &str) -> Result<Cow<'b, [u8]>, String> {
    if !is_module(bytes) {
        return Ok(release(bytes));
    }
    componentize(what, bytes).map(Cow::Owned).map_err(|error| error.to_string())
}
