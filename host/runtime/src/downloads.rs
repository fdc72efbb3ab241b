//! Components and their parts from elsewhere: by URL ([`url`]) and by package ([`package`]). What came is kept, so that the next start
//! needs no network; from then on the manifest names the file.

mod package;
mod sweep;
mod url;

use crate::components::is_linked;
use crate::error::StartError;
use crate::options::Options;
use kobliat_manifest::{ComponentSource, DependencyKind, DependencyName, Manifest};
use package::{Package, Wanted};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Larger than any component, smaller than what fills a disk.
const LARGEST: usize = 256 << 20;

/// Where they are kept.
pub fn folder(state_dir: &Path, options: &Options) -> PathBuf {
    options.cache_dir.as_deref().unwrap_or(state_dir).join("downloads")
}

/// What the manifest names and is not here.
#[derive(Clone, Debug, PartialEq)]
enum Remote {
    Url { url: String, digest: String },
    Package(Package),
}

/// Each once, and for whom.
type Remotes = Vec<(Remote, String)>;

/// What is here now.
type Files = Vec<(Remote, PathBuf)>;

/// Puts a file in the place of each of them. All that can not be had are named.
pub async fn fetch(manifest: &mut Manifest, directory: &Path, options: &Options) -> Result<(), StartError> {
    let (mut files, mut problems) = (Files::new(), Vec::new());
    for (remote, what) in remotes(manifest, options.links) {
        let file = match &remote {
            Remote::Url { url, digest } => url::have(directory, digest, url, options.progress).await,
            Remote::Package(package) => package::have(package, directory, &options.registries, options.progress).await,
        };
        match file {
            Ok(file) => files.push((remote, file)),
            Err(problem) => problems.push(format!("{what}: {problem}")),
        }
    }
    StartError::from_all(problems)?;
    sweep::sweep(directory, files.iter().map(|(_, file)| file));
    if !files.is_empty() {
        name_files(manifest, &files);
    }
    Ok(())
}

fn remotes(manifest: &Manifest, links: bool) -> Remotes {
    let mut remotes = Remotes::new();
    let mut want = |remote: Option<Remote>, what: String| {
        let new = remote.filter(|remote| !remotes.iter().any(|(other, _)| other == remote));
        remotes.extend(new.map(|remote| (remote, what)));
    };
    for component in manifest.components.values() {
        want(source(&component.source), format!("component `{}`", component.id));
        for dependency in component.dependencies.iter().filter(|one| !is_linked(component, one, links)) {
            let what = format!("the dependency `{}` of component `{}`", dependency.key, component.id);
            want(part(&dependency.kind, Some(&dependency.name)), what);
        }
    }
    for trigger in &manifest.http_triggers {
        let what = format!("the middleware of [[trigger.http]] `{}`", trigger.id);
        trigger.middleware.iter().for_each(|layer| want(part(&layer.kind, None), what.clone()));
    }
    remotes
}

fn source(source: &ComponentSource) -> Option<Remote> {
    match source {
        ComponentSource::Path(_) => None,
        ComponentSource::Url { url, digest } => Some(Remote::Url { url: url.clone(), digest: digest.clone() }),
        ComponentSource::Registry { package, version, registry } => {
            let (name, version) = (package.clone(), Wanted::Exactly(version.clone()));
            Some(Remote::Package(Package { name, version, registry: registry.clone() }))
        }
    }
}

/// A dependency's package is called as the import that it satisfies, unless it says otherwise.
fn part(kind: &DependencyKind, import: Option<&DependencyName>) -> Option<Remote> {
    match kind {
        DependencyKind::Path(_) | DependencyKind::Component(_) => None,
        DependencyKind::Url { url, digest } => Some(Remote::Url { url: url.clone(), digest: digest.clone() }),
        DependencyKind::Registry { version, registry, package } => {
            let name = package.clone().or_else(|| Some(import?.package()?.to_owned())).unwrap_or_default();
            let version = Wanted::Newest(version.clone());
            Some(Remote::Package(Package { name, version, registry: registry.clone() }))
        }
    }
}

fn name_files(manifest: &mut Manifest, files: &Files) {
    let file_of = |remote: Option<Remote>| {
        let remote = remote?;
        files.iter().find(|(other, _)| *other == remote).map(|(_, file)| file.clone())
    };
    for component in manifest.components.values_mut() {
        component.source = file_of(source(&component.source)).map_or(component.source.clone(), ComponentSource::Path);
        for dependency in &mut component.dependencies {
            let file = file_of(part(&dependency.kind, Some(&dependency.name)));
            dependency.kind = file.map_or(dependency.kind.clone(), DependencyKind::Path);
        }
    }
    for layer in manifest.http_triggers.iter_mut().flat_map(|trigger| &mut trigger.middleware) {
        layer.kind = file_of(part(&layer.kind, None)).map_or(layer.kind.clone(), DependencyKind::Path);
    }
}

/// Whole or not at all.
fn keep(directory: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    kobliat_private_files::create_dir_all(directory)?;
    let mut whole = tempfile::NamedTempFile::new_in(directory)?;
    whole.write_all(bytes)?;
    whole.persist(file)?;
    Ok(())
}
