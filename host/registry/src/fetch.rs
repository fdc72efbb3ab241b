//! One image: its manifest, and of its layers the one that is WebAssembly.

use crate::credentials::Credentials;
use futures::StreamExt;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::{OciDescriptor, WASM_LAYER_MEDIA_TYPE};
use oci_client::{Client, Reference};
use std::net::IpAddr;
use std::time::Duration;

/// What layers of components are called: by the CNCF's format, and by the one before it.
const WASM: [&str; 2] = ["application/wasm", WASM_LAYER_MEDIA_TYPE];

/// A registry that says nothing for so long says nothing.
const CONNECT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{reference}` has {found} WebAssembly layers, and a component is one: {types}")]
    NoComponent { reference: Reference, found: usize, types: String },
    #[error("`{reference}` is larger than the {most} bytes that a component may have")]
    TooLarge { reference: Reference, most: usize },
    #[error("failed to fetch `{reference}`: {reason}")]
    Failed { reference: Reference, reason: String },
}

pub struct Fetched {
    pub wasm: Vec<u8>,
    /// Of the image's manifest: what a tag meant just now.
    pub digest: String,
}

/// Fetches the component, of at most `most` bytes.
pub async fn fetch(reference: &Reference, credentials: &Credentials, most: usize) -> Result<Fetched, Error> {
    let failed = |reason: String| Error::Failed { reference: reference.clone(), reason };
    let client = client(reference).map_err(failed)?;
    let auth = credentials.of(reference.resolve_registry()).await.map_err(failed)?;
    let manifest = client.pull_image_manifest(reference, &auth).await;
    let (manifest, digest) = manifest.map_err(|error| failed(error.to_string()))?;
    let layers: Vec<&OciDescriptor> =
        manifest.layers.iter().filter(|layer| WASM.contains(&layer.media_type.as_str())).collect();
    let [layer] = layers.as_slice() else {
        let types: Vec<&str> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
        let (reference, found, types) = (reference.clone(), layers.len(), types.join(", "));
        return Err(Error::NoComponent { reference, found, types });
    };
    // By its digest alone: a manifest may name other places, and this registry was asked.
    let wasm = read(&client, reference, &layer.digest, most).await?;
    Ok(Fetched { wasm, digest })
}

async fn read(client: &Client, reference: &Reference, digest: &str, most: usize) -> Result<Vec<u8>, Error> {
    let failed = |reason: String| Error::Failed { reference: reference.clone(), reason };
    let blob = client.pull_blob_stream(reference, digest).await;
    let mut stream = blob.map_err(|error| failed(error.to_string()))?.stream;
    let mut wasm = Vec::new();
    // The stream's last item is an error when the digest is another.
    while let Some(part) = stream.next().await {
        wasm.extend_from_slice(&part.map_err(|error| failed(error.to_string()))?);
        if wasm.len() > most {
            return Err(Error::TooLarge { reference: reference.clone(), most });
        }
    }
    Ok(wasm)
}

fn client(reference: &Reference) -> Result<Client, String> {
    // A second call finds the first one's, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let is_near = is_loopback(reference.resolve_registry());
    let protocol = if is_near { ClientProtocol::Http } else { ClientProtocol::Https };
    let config = ClientConfig {
        protocol,
        connect_timeout: Some(CONNECT),
        read_timeout: Some(READ),
        user_agent: concat!("kobliat/", env!("CARGO_PKG_VERSION")),
        // A component runs on every platform; an index of platforms is no component.
        platform_resolver: None,
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(|error| error.to_string())
}

/// `localhost:5000`, `127.0.0.1`, `[::1]:5000`
fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for near in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"] {
            assert!(is_loopback(near), "{near}");
        }
        for far in ["ghcr.io", "10.0.0.1:5000", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:5000"] {
            assert!(!is_loopback(far), "{far}");
        }
    }
}
