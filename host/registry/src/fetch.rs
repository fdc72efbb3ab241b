//! One component: an image's manifest, and of its layers the one that is WebAssembly.

use crate::connection::{Access, Connection};
use crate::error::Error;
use oci_client::Reference;
use oci_client::manifest::{OciDescriptor, OciImageManifest, WASM_LAYER_MEDIA_TYPE};

/// What layers of components are called: by the CNCF's format, and by the one before it.
pub(crate) const WASM: [&str; 2] = ["application/wasm", WASM_LAYER_MEDIA_TYPE];

pub struct Fetched {
    pub wasm: Vec<u8>,
    /// Of the image's manifest: what a tag meant just now.
    pub digest: String,
}

/// Fetches the component, of at most `most` bytes.
pub async fn fetch(reference: &Reference, access: &Access, most: usize) -> Result<Fetched, Error> {
    let connection = Connection::open(reference, access).await?;
    let (manifest, digest) = connection.manifest().await?;
    let layer = only_component(reference, &manifest)?;
    Ok(Fetched { wasm: connection.blob(&layer.digest, most).await?, digest })
}

pub(crate) fn only_component<'m>(
    reference: &Reference,
    manifest: &'m OciImageManifest,
) -> Result<&'m OciDescriptor, Error> {
    let layers: Vec<&OciDescriptor> =
        manifest.layers.iter().filter(|layer| WASM.contains(&layer.media_type.as_str())).collect();
    let [layer] = layers.as_slice() else {
        let types: Vec<&str> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
        let (reference, found, types) = (reference.to_string(), layers.len(), types.join(", "));
        return Err(Error::NoComponent { reference, found, types });
    };
    Ok(layer)
}
