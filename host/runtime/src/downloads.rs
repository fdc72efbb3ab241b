//! `{ url, digest }`: components and their parts from elsewhere. What came is compared with the digest and kept, so that the next start
//! needs no network; from then on the manifest names the file.

use crate::components::is_linked;
use crate::error::StartError;
use kobliat_factor_outbound_http::{Download, DownloadError};
use kobliat_manifest::{ComponentSource, DependencyKind, Manifest};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Larger than any component, smaller than what fills a disk.
const LARGEST: usize = 256 << 20;

/// Where they are kept.
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("downloads")
}

/// Puts a file in the place of each URL. All that can not be had are named.
pub async fn fetch(
    manifest: &mut Manifest,
    directory: &Path,
    links: bool,
    progress: fn(&str),
) -> Result<(), StartError> {
    let wanted = wanted(manifest, links);
    if wanted.is_empty() {
        return Ok(());
    }
    let mut files = BTreeMap::new();
    let mut problems = Vec::new();
    for (digest, (url, what)) in wanted {
        match have(directory, &digest, &url, progress).await {
            Ok(file) => drop(files.insert(digest, file)),
            Err(problem) => problems.push(format!("{what}: {problem}")),
        }
    }
    StartError::from_all(problems)?;
    name_files(manifest, &files);
    Ok(())
}

/// By digest: where it is, and for whom.
type Wanted = BTreeMap<String, (String, String)>;

fn wanted(manifest: &Manifest, links: bool) -> Wanted {
    let mut wanted = Wanted::new();
    for component in manifest.components.values() {
        if let ComponentSource::Url { url, digest } = &component.source {
            wanted.insert(digest.clone(), (url.clone(), format!("component `{}`", component.id)));
        }
        for dependency in component.dependencies.iter().filter(|one| !is_linked(component, one, links)) {
            let what = format!("the dependency `{}` of component `{}`", dependency.key, component.id);
            want(&mut wanted, &dependency.kind, what);
        }
    }
    for trigger in &manifest.http_triggers {
        let what = format!("the middleware of [[trigger.http]] `{}`", trigger.id);
        trigger.middleware.iter().for_each(|layer| want(&mut wanted, &layer.kind, what.clone()));
    }
    wanted
}

fn want(wanted: &mut Wanted, kind: &DependencyKind, what: String) {
    if let DependencyKind::Url { url, digest } = kind {
        wanted.insert(digest.clone(), (url.clone(), what));
    }
}

fn name_files(manifest: &mut Manifest, files: &BTreeMap<String, PathBuf>) {
    for component in manifest.components.values_mut() {
        if let ComponentSource::Url { digest, .. } = &component.source
            && let Some(file) = files.get(digest)
        {
            component.source = ComponentSource::Path(file.clone());
        }
        component.dependencies.iter_mut().for_each(|dependency| name_file(&mut dependency.kind, files));
    }
    let layers = manifest.http_triggers.iter_mut().flat_map(|trigger| &mut trigger.middleware);
    layers.for_each(|layer| name_file(&mut layer.kind, files));
}

fn name_file(kind: &mut DependencyKind, files: &BTreeMap<String, PathBuf>) {
    if let DependencyKind::Url { digest, .. } = kind
        && let Some(file) = files.get(digest)
    {
        *kind = DependencyKind::Path(file.clone());
    }
}

/// The file with this digest, from here if it is here.
async fn have(directory: &Path, digest: &str, url: &str, progress: fn(&str)) -> Result<PathBuf, String> {
    let file = directory.join(format!("{}.wasm", digest.trim_start_matches("sha256:").to_ascii_lowercase()));
    if std::fs::read(&file).is_ok_and(|bytes| same(&digest_of(&bytes), digest)) {
        return Ok(file);
    }
    progress(&format!("Fetching {url} (once; it is kept in {})", directory.display()));
    let bytes = Download { url, largest: LARGEST }.get().await.map_err(|error| explain(url, &error))?;
    let found = digest_of(&bytes);
    if !same(&found, digest) {
        return Err(format!(
            "`{url}` answers {found}, and the manifest wants {digest}: it was changed; make sure by whom before you change the digest"
        ));
    }
    keep(directory, &file, &bytes).map_err(|error| format!("failed to keep `{}`: {error}", file.display()))?;
    Ok(file)
}

fn explain(url: &str, error: &DownloadError) -> String {
    format!("failed to fetch `{url}`: {error}")
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whole or not at all.
fn keep(directory: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut whole = tempfile::NamedTempFile::new_in(directory)?;
    whole.write_all(bytes)?;
    whole.persist(file)?;
    Ok(())
}
