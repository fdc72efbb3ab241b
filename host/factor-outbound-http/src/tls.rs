//! Whom a component's TLS connections trust, and as whom they present themselves: `[[client_tls]]` of the runtime config.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};

/// One entry, for some hosts of some components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// The authorities that the machine trusts.
    pub platform_roots: bool,
    /// Those of the public Internet, built in.
    pub webpki_roots: bool,
    pub roots_file: Option<PathBuf>,
    /// Certificate and private key for servers that want to know the client.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Default for ClientTls {
    /// For what no entry is about.
    fn default() -> Self {
        Self { platform_roots: true, webpki_roots: true, roots_file: None, identity: None }
    }
}

impl ClientTls {
    /// Reads the files. The error names the one that is wrong.
    pub fn load(&self) -> Result<ClientConfig, String> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(self.roots()?);
        let Some((certificates, key)) = &self.identity else { return Ok(config.with_no_client_auth()) };
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
        config
            .with_client_auth_cert(read_certificates(certificates)?, key)
            .map_err(|error| format!("`{}` and its key: {error}", certificates.display()))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        if self.webpki_roots {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if self.platform_roots {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::debug!("some of the machine's certificates are not used: {error}");
            }
            roots.add_parsable_certificates(found.certs);
        }
        if let Some(file) = &self.roots_file {
            for certificate in read_certificates(file)? {
                roots.add(certificate).map_err(|error| format!("`{}`: {error}", file.display()))?;
            }
        }
        Ok(roots)
    }
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| unreadable(path, &error))?;
    if certificates.is_empty() { Err(format!("`{}` has no certificate", path.display())) } else { Ok(certificates) }
}

fn unreadable(path: &Path, error: &rustls::pki_types::pem::Error) -> String {
    format!("`{}` is not readable as PEM: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_trusts_the_public_internet() {
        assert!(ClientTls::default().roots().unwrap().len() > 50);
        assert!(ClientTls::default().load().is_ok());
    }

    #[test]
    fn a_file_that_is_wrong_is_named() {
        let missing = ClientTls { roots_file: Some("/nowhere/roots.pem".into()), ..ClientTls::default() };
        assert!(missing.load().unwrap_err().contains("/nowhere/roots.pem"));
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "nothing").unwrap();
        let empty = ClientTls { roots_file: Some(empty), ..ClientTls::default() };
        assert!(empty.load().unwrap_err().contains("empty.pem` has no certificate"));
    }
}
