//! `[component.<id>.dependencies]`: imports that other components satisfy.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::declared::Declared;
use crate::digest;
use crate::ids;
use crate::reader::{Field, Table};

mod name;
pub use name::DependencyName;
pub(crate) use name::package;

#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// As written: the import that is satisfied.
    pub key: String,
    pub name: DependencyName,
    pub kind: DependencyKind,
    /// The export that satisfies it, when it is called otherwise than the import.
    pub export: Option<String>,
    pub inherit_configuration: Inherit,
}

/// Where the component comes from that satisfies it.
#[derive(Clone, Debug, PartialEq)]
pub enum DependencyKind {
    /// Relative to the manifest's folder.
    Path(PathBuf),
    Url {
        url: String,
        digest: String,
    },
    Registry {
        version: semver::VersionReq,
        registry: Option<String>,
        package: Option<String>,
    },
    /// A component of this application.
    Component(String),
}

/// What of the depender's configuration a composed dependency may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inherit {
    #[default]
    Nothing,
    Everything,
    Only(BTreeSet<Capability>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    AiModels,
    AllowedOutboundHosts,
    Environment,
    Files,
    KeyValueStores,
    SqliteDatabases,
    Variables,
}

impl Capability {
    pub const ALL: [Self; 7] = [
        Self::AiModels,
        Self::AllowedOutboundHosts,
        Self::Environment,
        Self::Files,
        Self::KeyValueStores,
        Self::SqliteDatabases,
        Self::Variables,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::AiModels => "ai_models",
            Self::AllowedOutboundHosts => "allowed_outbound_hosts",
            Self::Environment => "environment",
            Self::Files => "files",
            Self::KeyValueStores => "key_value_stores",
            Self::SqliteDatabases => "sqlite_databases",
            Self::Variables => "variables",
        }
    }
}

/// `inherits_all` is the component's `dependencies_inherit_configuration`, if it has one.
pub(crate) fn read_dependencies(field: &Field, inherits_all: Option<bool>, declared: &Declared) -> Vec<Dependency> {
    let Some(table) = field.table() else { return Vec::new() };
    let mut dependencies: Vec<Dependency> = Vec::new();
    for (key, field) in table.entries() {
        let Some(dependency) = read_dependency(key, &field, inherits_all, declared) else { continue };
        if let Some(other) = dependencies.iter().find(|other| other.name.overlaps(&dependency.name)) {
            field.key_error(format!("`{key}` overlaps with `{}`; an import can have one dependency only", other.key));
        }
        dependencies.push(dependency);
    }
    dependencies
}

fn read_dependency(key: &str, field: &Field, inherits_all: Option<bool>, declared: &Declared) -> Option<Dependency> {
    let name = DependencyName::parse(key).map_err(|message| field.key_error(message)).ok();
    let inherited = if inherits_all == Some(true) { Inherit::Everything } else { Inherit::Nothing };
    if field.is_string() {
        if name.as_ref().is_some_and(|name| name.package().is_none()) {
            field.error(NO_PACKAGE);
        }
        let kind = DependencyKind::Registry { version: field.parsed(requirement)?, registry: None, package: None };
        return Some(Dependency {
            key: key.to_owned(),
            name: name?,
            kind,
            export: None,
            inherit_configuration: inherited,
        });
    }
    let table = field.table_or_string()?;
    let inherit = table.optional("inherit_configuration");
    if let (Some(inherit), Some(_)) = (&inherit, inherits_all) {
        inherit.key_error(
            "`inherit_configuration` and the component's `dependencies_inherit_configuration` exclude each other; remove one",
        );
    }
    let export = table.optional("export");
    if let (Some(export), Some(DependencyName::Package { .. })) = (&export, &name) {
        export.key_error(format!(
            "`export` cannot be used for the whole package `{key}`; name one interface, or remove it"
        ));
    }
    let kind = read_kind(&table, field, declared);
    if name.as_ref().is_some_and(|name| name.package().is_none()) {
        require_package(kind.as_ref(), field);
    }
    table.finish();
    Some(Dependency {
        key: key.to_owned(),
        name: name?,
        kind: kind?,
        export: export.and_then(|field| field.string()),
        inherit_configuration: inherit.map_or(inherited, |field| read_inherit(&field)),
    })
}

const NO_PACKAGE: &str =
    "a version is one of a package, and nothing here names one; add `package = \"namespace:name\"`";

/// Where no import names the package that a version is of.
pub(crate) fn require_package(kind: Option<&DependencyKind>, field: &Field) {
    if let Some(DependencyKind::Registry { package: None, .. }) = kind {
        field.error(NO_PACKAGE);
    }
}

/// `{ path }`, `{ url, digest }`, `{ version, registry?, package? }` or `{ component }`: exactly one of them.
pub(crate) fn read_kind(table: &Table, field: &Field, declared: &Declared) -> Option<DependencyKind> {
    let [path, url, digest, version, registry, package, component] =
        ["path", "url", "digest", "version", "registry", "package", "component"].map(|key| table.optional(key));
    match (path, url, version, component) {
        (Some(path), None, None, None) => {
            refuse(&[digest, registry, package], "path");
            path.string().map(|path| DependencyKind::Path(path.into()))
        }
        (None, Some(url), None, None) => {
            refuse(&[registry, package], "url");
            let Some(digest) = digest else {
                url.key_error("a `url` needs the `digest` of what it answers; add `digest = \"sha256:…\"`");
                return None;
            };
            Some(DependencyKind::Url { url: url.string()?, digest: digest.parsed(digest::sha256)? })
        }
        (None, None, Some(version), None) => {
            refuse(&[digest], "version");
            let registry = registry.and_then(|field| field.string());
            let package = match package {
                Some(field) => Some(field.parsed(name::package)?),
                None => None,
            };
            Some(DependencyKind::Registry { version: version.parsed(requirement)?, registry, package })
        }
        (None, None, None, Some(component)) => {
            refuse(&[digest, registry, package], "component");
            declared.component(&component).map(DependencyKind::Component)
        }
        _ => {
            field.error("a dependency has exactly one of `path`, `url`, `version` and `component`");
            None
        }
    }
}

fn refuse(fields: &[Option<Field>], with: &str) {
    for field in fields.iter().flatten() {
        field.key_error(format!("this key does not go with `{with}`; remove it"));
    }
}

fn requirement(text: &str) -> Result<semver::VersionReq, String> {
    semver::VersionReq::parse(text)
        .map_err(|cause| format!("`{text}` is no version requirement ({cause}); write one like \">=0.1.0\""))
}

pub(crate) fn read_inherit(field: &Field) -> Inherit {
    if field.is_array() {
        return Inherit::Only(field.parsed_list(capability).into_iter().collect());
    }
    if field.is_bool() {
        return if field.bool() == Some(true) { Inherit::Everything } else { Inherit::Nothing };
    }
    field.error("`inherit_configuration` must be true, false or a list of what to inherit, like `[\"files\"]`");
    Inherit::Nothing
}

fn capability(text: &str) -> Result<Capability, String> {
    Capability::ALL.into_iter().find(|capability| capability.name() == text).ok_or_else(|| {
        let names = Capability::ALL.map(Capability::name);
        format!(
            "`{text}` cannot be inherited; choose from {}{}",
            names.join(", "),
            crate::nearest::did_you_mean(text, names)
        )
    })
}

/// A plain import name of a dependency or its parts.
fn is_plain(text: &str) -> bool {
    ids::is_kebab(text)
}
