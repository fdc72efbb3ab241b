//! The smaller tables of a component: source, environment, build and profiles.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::declared::Declared;
use crate::dependency::{Dependency, package as package_name, read_dependencies};
use crate::digest;
use crate::reader::Field;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComponentSource {
    /// Relative to the manifest's folder.
    Path(PathBuf),
    Url {
        url: String,
        digest: String,
    },
    Registry {
        package: String,
        version: semver::Version,
        registry: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Run one after the other by the shell.
    pub command: Vec<String>,
    /// Relative to the manifest's folder.
    pub workdir: Option<PathBuf>,
    /// Globs, relative to `workdir`.
    pub watch: Vec<String>,
}

/// What a build profile replaces (source, build command) and adds (environment, dependencies).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    pub source: Option<ComponentSource>,
    pub environment: BTreeMap<String, String>,
    pub dependencies: Vec<Dependency>,
    pub build_command: Option<Vec<String>>,
}

pub(super) fn read_source(field: &Field) -> Option<ComponentSource> {
    if field.is_string() {
        return field.parsed(nonempty).map(|path| ComponentSource::Path(path.into()));
    }
    let table = field.table_or_string()?;
    let [url, digest, package, version, registry] =
        ["url", "digest", "package", "version", "registry"].map(|key| table.optional(key));
    table.finish();
    match (url, digest, package, version, registry) {
        (Some(url), Some(digest), None, None, None) => {
            Some(ComponentSource::Url { url: url.string()?, digest: digest.parsed(digest::sha256)? })
        }
        (None, None, Some(package), Some(version), registry) => Some(ComponentSource::Registry {
            package: package.parsed(package_name)?,
            version: version.parsed(exact_version)?,
            registry: registry.and_then(|field| field.string()),
        }),
        _ => {
            field.error("a source is a path, `{ url, digest }` or `{ package, version, registry }`; write one of them");
            None
        }
    }
}

fn exact_version(text: &str) -> Result<semver::Version, String> {
    semver::Version::parse(text)
        .map_err(|cause| format!("`{text}` is no exact version ({cause}); write one like \"1.2.3\""))
}

fn nonempty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("this is empty; fill it in or remove it".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn read_environment(field: &Field) -> BTreeMap<String, String> {
    let Some(table) = field.table() else { return BTreeMap::new() };
    let mut environment = BTreeMap::new();
    for (name, value) in table.entries() {
        if name.is_empty() || name.contains(['=', '\0']) {
            value.key_error(format!("`{name}` is no name of an environment variable; leave out `=`"));
        }
        environment.extend(value.string().map(|value| (name.to_owned(), value)));
    }
    environment
}

pub(super) fn read_build(field: &Field) -> Option<Build> {
    let table = field.table()?;
    let command = table.required("command", "command = \"cargo build --release\"").map(|field| read_command(&field));
    let build = Build {
        command: command.unwrap_or_default(),
        workdir: table.optional("workdir").and_then(|field| field.string()).map(PathBuf::from),
        watch: table.optional("watch").map(|field| field.strings()).unwrap_or_default(),
    };
    table.finish();
    Some(build)
}

/// One command, or several in sequence.
fn read_command(field: &Field) -> Vec<String> {
    if field.is_array() {
        return field.items().iter().filter_map(|item| item.parsed(nonempty)).collect();
    }
    field.parsed(nonempty).into_iter().collect()
}

pub(super) fn read_profiles(field: &Field, declared: &Declared) -> BTreeMap<String, Profile> {
    let Some(table) = field.table() else { return BTreeMap::new() };
    let profiles = table.entries().filter_map(|(name, field)| Some((name.to_owned(), read_profile(&field, declared)?)));
    profiles.collect()
}

fn read_profile(field: &Field, declared: &Declared) -> Option<Profile> {
    let table = field.table()?;
    let profile = Profile {
        source: table.optional("source").and_then(|field| read_source(&field)),
        environment: table.optional("environment").map(|field| read_environment(&field)).unwrap_or_default(),
        dependencies: table.optional("dependencies").map(|f| read_dependencies(&f, None, declared)).unwrap_or_default(),
        build_command: table.optional("build").and_then(|field| read_profile_command(&field)),
    };
    table.finish();
    Some(profile)
}

fn read_profile_command(field: &Field) -> Option<Vec<String>> {
    let table = field.table()?;
    let command = table.required("command", "command = \"cargo build\"").map(|field| read_command(&field));
    table.finish();
    command
}
