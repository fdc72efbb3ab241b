//! One repository of a registry, asked as who we are there.

use crate::Error;
use crate::credentials::Credentials;
use futures::StreamExt;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::OciImageManifest;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A registry that says nothing for so long says nothing.
const CONNECT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(30);

/// Tags that one answer may have, and answers that are read: a package of more versions is none.
const TAGS: usize = 1000;
const PAGES: usize = 20;

/// How registries are asked.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub credentials: Credentials,
    /// `--insecure`: without TLS, wherever the registry is.
    pub insecure: bool,
    /// `wasm-pkg/config.toml` of the user's configuration: which registry has the packages of a namespace.
    pub packages: Option<PathBuf>,
}

impl Access {
    /// Registries on this machine are asked in the clear; others, only when that was asked for.
    pub(crate) fn in_the_clear(&self, registry: &str) -> bool {
        self.insecure || is_loopback(registry)
    }
}

pub(crate) struct Connection {
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
}

impl Connection {
    pub async fn open(reference: &Reference, access: &Access) -> Result<Self, Error> {
        let failed = |reason: String| Error::failed(reference, reason);
        let registry = reference.resolve_registry();
        let client = client(access.in_the_clear(registry)).map_err(failed)?;
        let auth = access.credentials.of(registry).await.map_err(failed)?;
        Ok(Self { client, auth, reference: reference.clone() })
    }

    /// The image's manifest, and its digest: what a tag means just now.
    pub async fn manifest(&self) -> Result<(OciImageManifest, String), Error> {
        self.client.pull_image_manifest(&self.reference, &self.auth).await.map_err(|error| self.refused(error))
    }

    /// A blob of at most `most` bytes. It is had by its digest alone: a manifest may name other places, and this registry was asked.
    pub async fn blob(&self, digest: &str, most: usize) -> Result<Vec<u8>, Error> {
        let blob = self.client.pull_blob_stream(&self.reference, digest).await;
        let mut stream = blob.map_err(|error| self.refused(error))?.stream;
        let mut bytes = Vec::new();
        // The stream's last item is an error when the digest is another.
        while let Some(part) = stream.next().await {
            bytes.extend_from_slice(&part.map_err(|error| self.failed(error))?);
            if bytes.len() > most {
                return Err(Error::TooLarge { reference: self.reference.to_string(), most });
            }
        }
        Ok(bytes)
    }

    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            let last = tags.last().map(String::as_str);
            let page = self.client.list_tags(&self.reference, &self.auth, Some(TAGS), last).await;
            let page = page.map_err(|error| self.refused(error))?.tags;
            let is_last = page.len() < TAGS;
            tags.extend(page);
            if is_last {
                break;
            }
        }
        Ok(tags)
    }

    /// Who is not let in is told how.
    fn refused(&self, error: OciDistributionError) -> Error {
        use OciDistributionError::{AuthenticationFailure, UnauthorizedError};
        match error {
            AuthenticationFailure(_) | UnauthorizedError { .. } => {
                let registry = self.reference.resolve_registry();
                Error::failed(&self.reference, format!("{error}; log in by `docker login {registry}`"))
            }
            error => self.failed(error),
        }
    }

    /// With its first cause, which is what says that nobody listens, or that a certificate is wrong.
    fn failed(&self, error: impl std::error::Error) -> Error {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        let reason = causes.last().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Error::failed(&self.reference, reason)
    }
}

/// A second call finds the first one's provider, which is as good.
pub(crate) fn use_ring() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

fn client(in_the_clear: bool) -> Result<Client, String> {
    use_ring();
    let config = ClientConfig {
        protocol: if in_the_clear { ClientProtocol::Http } else { ClientProtocol::Https },
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
    fn only_this_machine_is_asked_in_the_clear_unless_told() {
        let (careful, insecure) = (Access::default(), Access { insecure: true, ..Access::default() });
        for near in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"] {
            assert!(careful.in_the_clear(near), "{near}");
        }
        for far in ["ghcr.io", "10.0.0.1:5000", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:5000"] {
            assert!(!careful.in_the_clear(far), "{far}");
            assert!(insecure.in_the_clear(far), "{far}");
        }
    }
}
