//! Applications, as `spin registry push` makes them: pulled into a folder with a spin.toml, which then is an application like any other.

mod archive;
mod locked;
mod manifest;

use crate::connection::{Access, Connection};
use crate::error::Error;
use crate::fetch::{WASM, only_component};
use futures::{StreamExt, TryStreamExt};
use locked::LockedApp;
use oci_client::Reference;
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The locked application is a layer; before, it was the image's config.
const APPLICATION: &str = "application/vnd.fermyon.spin.application.v1+config";

/// Larger than any lock, smaller than what hurts.
const LOCK: usize = 16 << 20;

/// 2 GiB: what an application may have in all, components and files.
const WHOLE: u64 = 2 << 30;

const PARALLEL: usize = 8;

/// The application, or the component, that `reference` names: its spin.toml, or its .wasm, below `directory`. What is there already is
/// not fetched again.
pub async fn pull(reference: &Reference, access: &Access, directory: &Path) -> Result<PathBuf, Error> {
    let connection = Connection::open(reference, access).await?;
    let (image, digest) = connection.manifest().await?;
    let folder = directory.join(digest.trim_start_matches("sha256:"));
    let (application, component) = (folder.join("spin.toml"), folder.join("component.wasm"));
    if let Some(have) = [&application, &component].into_iter().find(|file| file.exists()) {
        return Ok(have.clone());
    }
    kobliat_private_files::create_dir_all(directory).map_err(|error| keeping(directory, &error))?;
    // Whole or not at all.
    let unfinished = tempfile::tempdir_in(directory).map_err(|error| keeping(directory, &error))?;
    let pulled = match lock(reference, &connection, &image).await? {
        Some(lock) => Pull { reference, connection: &connection, image: &image, folder: unfinished.path() }
            .application(&lock, &format!("{reference} ({digest})"))
            .await
            .map(|()| application)?,
        None => {
            let layer = only_component(reference, &image)?;
            let wasm = connection.blob(&layer.digest, bound(layer)).await?;
            write(&unfinished.path().join("component.wasm"), &wasm)?;
            component
        }
    };
    match std::fs::rename(unfinished.path(), &folder) {
        Ok(()) => drop(unfinished.keep()),
        // Another start was faster.
        Err(_) if pulled.exists() => {}
        Err(error) => return Err(keeping(&folder, &error)),
    }
    Ok(pulled)
}

/// What the image says of its application; `None` when it is a component alone.
async fn lock(
    reference: &Reference,
    connection: &Connection,
    image: &OciImageManifest,
) -> Result<Option<LockedApp>, Error> {
    let layer = image.layers.iter().find(|layer| layer.media_type == APPLICATION);
    let bytes = connection.blob(&layer.unwrap_or(&image.config).digest, LOCK).await?;
    let refused = |reason: String| Error::Application { reference: reference.to_string(), reason };
    match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(value) if layer.is_some() || value.get("spin_lock_version").is_some() => {
            LockedApp::read(value).map(Some).map_err(refused)
        }
        Err(error) if layer.is_some() => Err(refused(error.to_string())),
        _ => Ok(None),
    }
}

struct Pull<'a> {
    reference: &'a Reference,
    connection: &'a Connection,
    image: &'a OciImageManifest,
    folder: &'a Path,
}

impl Pull<'_> {
    async fn application(&self, lock: &LockedApp, origin: &str) -> Result<(), Error> {
        let whole: u64 = self.image.layers.iter().map(|layer| u64::try_from(layer.size).unwrap_or(WHOLE)).sum();
        if whole > WHOLE {
            return Err(Error::TooLarge { reference: self.reference.to_string(), most: WHOLE as usize });
        }
        // Refused before anything is fetched.
        let text = manifest::of(lock, origin).map_err(|reason| self.refused(reason))?;
        let components = lock.components().map_err(|reason| self.refused(reason))?;
        let files = lock.files().map_err(|reason| self.refused(reason))?;
        let layers = self.layers().await?;
        for (digest, file) in components {
            self.place(&layers, digest, &file)?;
        }
        for (content, file) in files {
            match &content.inline {
                Some(inline) => {
                    write(&self.folder.join(file), &locked::decode(inline).map_err(|why| self.refused(why))?)?
                }
                None => self.place(&layers, content.digest().map_err(|why| self.refused(why))?, &file)?,
            }
        }
        let layers = self.folder.join(LAYERS);
        std::fs::remove_dir_all(&layers).map_err(|error| keeping(&layers, &error))?;
        write(&self.folder.join("spin.toml"), text.as_bytes())
    }

    /// All content of the image, by digest.
    async fn layers(&self) -> Result<BTreeMap<String, PathBuf>, Error> {
        kobliat_private_files::create_dir_all(&self.folder.join(LAYERS))
            .map_err(|error| keeping(self.folder, &error))?;
        let content = self.image.layers.iter().filter(|layer| layer.media_type != APPLICATION);
        let fetched = futures::stream::iter(content).map(|layer| self.layer(layer)).buffer_unordered(PARALLEL);
        let fetched: Vec<Vec<(String, PathBuf)>> = fetched.try_collect().await?;
        Ok(fetched.into_iter().flatten().collect())
    }

    /// A layer, or what is in it.
    async fn layer(&self, layer: &OciDescriptor) -> Result<Vec<(String, PathBuf)>, Error> {
        let bytes = self.connection.blob(&layer.digest, bound(layer)).await?;
        let directory = self.folder.join(LAYERS);
        if layer.media_type == archive::MEDIA_TYPE {
            let unpacked = archive::unpack(&bytes, &directory, WHOLE);
            return unpacked.map_err(|error| Error::failed(self.reference, format!("a layer is no archive: {error}")));
        }
        let file = directory.join(layer.digest.trim_start_matches("sha256:"));
        write(&file, &bytes)?;
        Ok(vec![(layer.digest.clone(), file)])
    }

    /// Several files may have the same content.
    fn place(&self, layers: &BTreeMap<String, PathBuf>, digest: &str, file: &Path) -> Result<(), Error> {
        let layer = layers.get(digest);
        let layer = layer.ok_or_else(|| self.refused(format!("the image has no layer {digest}")))?;
        let file = self.folder.join(file);
        make_parent(&file)?;
        std::fs::hard_link(layer, &file)
            .or_else(|_| std::fs::copy(layer, &file).map(drop))
            .map_err(|error| keeping(&file, &error))
    }

    fn refused(&self, reason: String) -> Error {
        Error::Application { reference: self.reference.to_string(), reason }
    }
}

/// Of the folder that is being filled.
const LAYERS: &str = "layers";

/// A blob is as large as its image says, and no component is larger than everything.
fn bound(layer: &OciDescriptor) -> usize {
    let most = if WASM.contains(&layer.media_type.as_str()) { COMPONENT } else { WHOLE as usize };
    usize::try_from(layer.size).unwrap_or(0).min(most)
}

/// 256 MiB: as large as what the manifest names by URL.
const COMPONENT: usize = 256 << 20;

fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    make_parent(file)?;
    std::fs::write(file, bytes).map_err(|error| keeping(file, &error))
}

fn make_parent(file: &Path) -> Result<(), Error> {
    let parent = file.parent().unwrap_or(Path::new(""));
    kobliat_private_files::create_dir_all(parent).map_err(|error| keeping(parent, &error))
}

fn keeping(path: &Path, error: &std::io::Error) -> Error {
    Error::Keep { path: path.to_owned(), reason: error.to_string() }
}
