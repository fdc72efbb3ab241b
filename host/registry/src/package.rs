//! Packages, as `wkg` publishes them: which registry has `namespace:name`, and under which name.

use crate::connection::{Access, Connection, use_ring};
use crate::error::Error;
use oci_client::Reference;
use semver::Version;
use serde_json::{Map, Value};
use std::path::Path;
use std::time::Duration;

/// What needs no configuration.
const WELL_KNOWN: [(&str, &str); 2] = [("wasi", "wasi.dev"), ("ba", "bytecodealliance.org")];

/// Where a registry says how its packages are had.
const METADATA: &str = "/.well-known/wasm-pkg/registry.json";
const METADATA_PATIENCE: Duration = Duration::from_secs(10);
const METADATA_SIZE: usize = 64 << 10;

/// Where the versions of a package are.
#[derive(Debug)]
pub struct Repository {
    registry: String,
    path: String,
}

/// What a registry's metadata say, by `preferredProtocol` and the tables of the protocols.
type Metadata = Map<String, Value>;

impl Repository {
    /// Of the package `namespace:name`, in this registry or the one that the user's configuration names.
    pub async fn of(package: &str, registry: Option<&str>, access: &Access) -> Result<Self, Error> {
        let (namespace, name) = package.split_once(':').ok_or_else(|| Error::NoRegistry(package.to_owned()))?;
        let (registry, told) = match registry {
            Some(registry) => (registry.to_owned(), None),
            None => mapping(package, namespace, access.packages.as_deref())?,
        };
        if !is_host(&registry) {
            return Err(Error::Registry(registry));
        }
        let metadata = match told {
            Some(metadata) => metadata,
            None => published(&registry, access).await.unwrap_or_default(),
        };
        let protocol = preferred(&metadata);
        if protocol != "oci" {
            let (package, protocol) = (package.to_owned(), protocol.to_owned());
            return Err(Error::Protocol { registry, package, protocol });
        }
        let (oci, prefix) = (oci(&metadata, "registry"), oci(&metadata, "namespacePrefix"));
        let registry = oci.map_or(registry, str::to_owned);
        Ok(Self { registry, path: format!("{}{namespace}/{name}", prefix.unwrap_or_default()) })
    }

    /// A tag can not have the `+` of a version.
    pub fn at(&self, version: &Version) -> Reference {
        Reference::with_tag(self.registry.clone(), self.path.clone(), version.to_string().replace('+', "_"))
    }

    /// All that are there; tags that are no versions are something else.
    pub async fn versions(&self, access: &Access) -> Result<Vec<Version>, Error> {
        let any = Reference::with_tag(self.registry.clone(), self.path.clone(), "latest".to_owned());
        let tags = Connection::open(&any, access).await?.tags().await?;
        Ok(tags.iter().filter_map(|tag| Version::parse(&tag.replace('_', "+")).ok()).collect())
    }
}

/// A host, perhaps with a port: it becomes part of URLs and file names.
fn is_host(registry: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    !registry.is_empty() && registry.bytes().all(allowed) && !registry.contains("..")
}

/// The registry of a package by the configuration of `wkg`, with the metadata where that has them, too.
fn mapping(package: &str, namespace: &str, file: Option<&Path>) -> Result<(String, Option<Metadata>), Error> {
    let config = file.map_or(Ok(Map::new()), read)?;
    let table = |name: &str, key: &str| config.get(name).and_then(|table| table.get(key)).and_then(mapped);
    let known = || WELL_KNOWN.iter().find(|(name, _)| *name == namespace).map(|(_, at)| ((*at).to_owned(), None));
    table("package_registry_overrides", package)
        .or_else(|| table("namespace_registries", namespace))
        .or_else(|| config.get("default_registry").and_then(mapped))
        .or_else(known)
        .ok_or_else(|| Error::NoRegistry(package.to_owned()))
}

/// `"registry"` or `{ registry, metadata }`
fn mapped(value: &Value) -> Option<(String, Option<Metadata>)> {
    match value {
        Value::String(registry) => Some((registry.clone(), None)),
        other => {
            let metadata = other.get("metadata").and_then(Value::as_object).cloned();
            Some((other.get("registry")?.as_str()?.to_owned(), metadata))
        }
    }
}

fn read(file: &Path) -> Result<Metadata, Error> {
    let wrong = |reason: String| Error::Config { file: file.to_owned(), reason };
    match std::fs::read_to_string(file) {
        Ok(text) => toml::from_str(&text).map_err(|error| wrong(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A registry that tells nothing about itself speaks OCI under its own name.
async fn published(registry: &str, access: &Access) -> Option<Metadata> {
    use_ring();
    let scheme = if access.in_the_clear(registry) { "http" } else { "https" };
    let client = reqwest::Client::builder().timeout(METADATA_PATIENCE).build().ok()?;
    let mut answer = client.get(format!("{scheme}://{registry}{METADATA}")).send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.ok()? {
        body.extend_from_slice(&part);
        if body.len() > METADATA_SIZE {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}

fn preferred(metadata: &Metadata) -> &str {
    let said = metadata.get("preferredProtocol").and_then(Value::as_str);
    let has = |key: &str| metadata.contains_key(key);
    said.unwrap_or(if has("warg") && !has("oci") && !has("ociRegistry") { "warg" } else { "oci" })
}

/// `oci.registry`, or as it was called before: `ociRegistry`.
fn oci<'m>(metadata: &'m Metadata, key: &str) -> Option<&'m str> {
    let old = if key == "registry" { "ociRegistry" } else { "ociNamespacePrefix" };
    metadata.get("oci").and_then(|table| table.get(key)).or_else(|| metadata.get(old))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_entry_names_the_registry() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let text = "default_registry = \"default.example\"\n[namespace_registries]\nacme = \"acme.example\"\n\
                    own = { registry = \"own\", metadata = { oci = { registry = \"ghcr.io\", namespacePrefix = \"own/\" } } }\n\
                    [package_registry_overrides]\n\"acme:one\" = \"one.example\"\n";
        std::fs::write(&file, text).unwrap();
        let named = |package: &str| mapping(package, package.split_once(':').unwrap().0, Some(&file)).unwrap();
        assert_eq!(named("acme:one").0, "one.example");
        assert_eq!(named("acme:two").0, "acme.example");
        assert_eq!(named("else:two").0, "default.example");
        let (registry, metadata) = named("own:three");
        assert_eq!((registry.as_str(), oci(&metadata.unwrap(), "namespacePrefix")), ("own", Some("own/")));
        assert_eq!(mapping("wasi:http", "wasi", None).unwrap().0, "wasi.dev");
        assert!(matches!(mapping("acme:one", "acme", None), Err(Error::NoRegistry(_))));
    }

    #[test]
    fn a_registry_is_a_host() {
        for good in ["ghcr.io", "localhost:5000", "[::1]:5000"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "ghcr.io/acme", "a b", "..", "user@host", "https://ghcr.io"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn metadata_are_read_as_they_are_and_as_they_were() {
        let read = |json: &str| serde_json::from_str::<Metadata>(json).unwrap();
        let (new, old) = (read(r#"{"oci":{"registry":"a"},"warg":{}}"#), read(r#"{"ociRegistry":"a","wargUrl":"b"}"#));
        assert_eq!((oci(&new, "registry"), oci(&old, "registry")), (Some("a"), Some("a")));
        assert_eq!((preferred(&new), preferred(&old), preferred(&read(r#"{"warg":{}}"#))), ("oci", "oci", "warg"));
    }
}
