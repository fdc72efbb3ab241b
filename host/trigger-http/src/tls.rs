//! TLS for the listener: certificate and key from files, looked at again while the host runs, and clients' certificates.

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tracing::{info, warn};

/// What a client that knows both may choose from, best first.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
pub const HTTP_2: &[u8] = b"h2";

/// How often the files are looked at: a renewed certificate is in use soon after it is written.
const RELOAD_EVERY: Duration = Duration::from_secs(1);

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificate and what is between it and its root, leaf first.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authorities of clients' certificates. With it, a client without a certificate of theirs gets no connection.
    pub client_authorities: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("failed to read {what} from `{}`: {reason}", .path.display())]
    File { what: &'static str, path: PathBuf, reason: String },
    #[error("the certificate and the key can not be used: {0}")]
    Unusable(String),
}

/// What the next handshake uses.
pub struct Tls {
    options: TlsOptions,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    pub fn load(options: TlsOptions) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(config(&options)?);
        Ok(Self { options, current })
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Takes over what changes in the files, for ever. Connections that are open keep what they began with.
    pub async fn follow(&self) {
        let mut known = stamp(&self.options);
        loop {
            tokio::time::sleep(RELOAD_EVERY).await;
            let now = stamp(&self.options);
            if now == known {
                continue;
            }
            known = now;
            match config(&self.options) {
                Ok(config) => {
                    self.current.store(Arc::new(config));
                    info!("the certificate `{}` was read anew", self.options.certificate.display());
                }
                // Certificate and key are two files: between their writes they do not fit, and the next look is soon.
                Err(error) => warn!("the certificate in use stays: {error}"),
            }
        }
    }
}

fn config(options: &TlsOptions) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let unusable = |error: rustls::Error| TlsError::Unusable(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let builder = match &options.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(verifier(path, provider)?),
    };
    let chain = certificates("the certificate", &options.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&options.key).map_err(|e| unreadable("the key", &options.key, &e))?;
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    const WHAT: &str = "the authorities of clients";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(WHAT, path)? {
        roots.add(certificate).map_err(|error| unreadable(WHAT, path, &error))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| unreadable(WHAT, path, &error))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(unreadable(what, path, &"it has no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(what, path, &error)),
    }
}

fn unreadable(what: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { what, path: path.to_owned(), reason: reason.to_string() }
}

/// Differs when a file was written: time and length of each.
fn stamp(options: &TlsOptions) -> Vec<Option<(SystemTime, u64)>> {
    let files = [Some(&options.certificate), Some(&options.key), options.client_authorities.as_ref()];
    let look = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.into_iter().flatten().map(look).collect()
}
