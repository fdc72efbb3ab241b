//! Why something can not be had from a registry.

use oci_client::Reference;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{reference}` has {found} WebAssembly layers, and a component is one: {types}")]
    NoComponent { reference: String, found: usize, types: String },
    #[error("`{reference}` is larger than the {most} bytes that it may have")]
    TooLarge { reference: String, most: usize },
    #[error("failed to fetch `{reference}`: {reason}")]
    Failed { reference: String, reason: String },
    #[error("`{reference}` is an application that this host can not run: {reason}")]
    Application { reference: String, reason: String },
    #[error(
        "nobody says which registry has the package `{0}`; add `registry = \"…\"`, or name one for its namespace in wasm-pkg/config.toml"
    )]
    NoRegistry(String),
    #[error("`{0}` is no registry; write its host, like `ghcr.io`")]
    Registry(String),
    #[error("`{registry}` has the package `{package}` by the protocol `{protocol}`, and this host knows `oci` only")]
    Protocol { registry: String, package: String, protocol: String },
    #[error("failed to read `{}`: {reason}", file.display())]
    Config { file: PathBuf, reason: String },
    #[error("failed to keep what was fetched in `{}`: {reason}", path.display())]
    Keep { path: PathBuf, reason: String },
}

impl Error {
    pub(crate) fn failed(reference: &Reference, reason: impl Into<String>) -> Self {
        Self::Failed { reference: reference.to_string(), reason: reason.into() }
    }
}
