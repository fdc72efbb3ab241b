//! `{ package, version, registry }`: what `wkg` publishes. A version that is here is not asked for again.

use super::{LARGEST, keep};
use kobliat_registry::{Access, Repository};
use semver::{Version, VersionReq};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// `namespace:name`
    pub name: String,
    pub version: Wanted,
    /// Without it, the one that the user's configuration names.
    pub registry: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    Exactly(Version),
    /// The newest of these.
    Newest(VersionReq),
}

pub async fn have(package: &Package, directory: &Path, access: &Access, progress: fn(&str)) -> Result<PathBuf, String> {
    let kept = package.folder(directory);
    let file = |version: &Version| kept.join(format!("{version}.wasm"));
    if let Wanted::Exactly(version) = &package.version
        && file(version).exists()
    {
        return Ok(file(version));
    }
    let (repository, version) = match package.find(access).await {
        Ok(found) => found,
        Err(reason) => return package.newest_of(&kept).inspect(|_| progress(&reason)).ok_or(reason),
    };
    let file = file(&version);
    if file.exists() {
        return Ok(file);
    }
    let reference = repository.at(&version);
    progress(&format!("Fetching {reference} (once; it is kept in {})", directory.display()));
    let fetched = kobliat_registry::fetch(&reference, access, LARGEST).await.map_err(|error| error.to_string())?;
    keep(&kept, &file, &fetched.wasm).map_err(|error| format!("failed to keep `{}`: {error}", file.display()))?;
    Ok(file)
}

impl Package {
    fn folder(&self, directory: &Path) -> PathBuf {
        let registry = self
            .registry
            .as_deref()
            .map_or("configured".to_owned(), |registry| format!("at-{}", registry.replace('/', "_")));
        directory.join("packages").join(registry).join(self.name.replace([':', '/'], "_"))
    }

    async fn find(&self, access: &Access) -> Result<(Repository, Version), String> {
        let repository = Repository::of(&self.name, self.registry.as_deref(), access).await;
        let repository = repository.map_err(|error| error.to_string())?;
        let wanted = match &self.version {
            Wanted::Exactly(version) => return Ok((repository, version.clone())),
            Wanted::Newest(wanted) => wanted,
        };
        let versions = repository.versions(access).await.map_err(|error| error.to_string())?;
        match versions.iter().filter(|version| wanted.matches(version)).max() {
            Some(newest) => Ok((repository, newest.clone())),
            None => {
                let versions: Vec<String> = versions.iter().map(Version::to_string).collect();
                Err(format!("no version of `{}` is {wanted}; there is {}", self.name, versions.join(", ")))
            }
        }
    }

    /// When nobody can be asked: the newest of those that were fetched before.
    fn newest_of(&self, kept: &Path) -> Option<PathBuf> {
        let Wanted::Newest(wanted) = &self.version else { return None };
        let files = std::fs::read_dir(kept).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let versions = files.filter_map(|file| Some((Version::parse(file.file_stem()?.to_str()?).ok()?, file)));
        versions.filter(|(version, _)| wanted.matches(version)).max().map(|(_, file)| file)
    }
}
