//! The whole manifest: read in the order in which its parts need each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::application::{Application, read_application};
use crate::component::{Component, read_component};
use crate::declared::Declared;
use crate::errors::{ManifestErrors, Sink};
use crate::ids;
use crate::limits::Limits;
use crate::reader::{Field, Table};
use crate::trigger::{HttpRoute, HttpTarget, HttpTrigger, RedisTrigger, read_triggers};
use crate::variable::{Variable, read_variables};
use crate::version_1::upgraded;

#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub path: PathBuf,
    /// Where relative paths of the manifest start.
    pub dir: PathBuf,
    pub application: Application,
    pub variables: BTreeMap<String, Variable>,
    /// By id; components written inside a trigger are among them.
    pub components: BTreeMap<String, Component>,
    /// In the order of the file.
    pub http_triggers: Vec<HttpTrigger>,
    pub redis_triggers: Vec<RedisTrigger>,
}

impl Manifest {
    /// `path` names the file, or its folder when it is called spin.toml.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ManifestErrors> {
        let mut path = path.as_ref().to_owned();
        if path.is_dir() {
            path.push("spin.toml");
        }
        let text = std::fs::read_to_string(&path).map_err(|cause| ManifestErrors::unreadable(&path, &cause))?;
        Self::parse(&text, path)
    }

    /// Errors have no positions: they are about the same application in the words of version 2.
    fn parse_version_1(text: &str, path: &Path) -> Result<Self, ManifestErrors> {
        let upgraded = upgraded(text).map_err(|message| ManifestErrors::somewhere(path, [message]))?;
        Self::parse(&upgraded, path)
            .map_err(|found| ManifestErrors::somewhere(path, found.errors.into_iter().map(|error| error.message)))
    }

    /// `path` is where the text came from: it is named in errors, and its folder is where relative paths start.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, ManifestErrors> {
        let path = path.as_ref();
        let document = parse_toml(text, path)?;
        let sink = Sink::default();
        let root = Table::root(&document, &sink);
        if is_version_1(&root) {
            return Self::parse_version_1(text, path);
        }
        let manifest = version_is_understood(&root).then(|| read(&root, path));
        sink.into_result(path, text, manifest)
    }
}

/// `"1"`, or the key that it had before.
fn is_version_1(root: &Table) -> bool {
    let version = root.optional("spin_manifest_version").or_else(|| root.optional("spin_version"));
    version.filter(Field::is_string).and_then(|version| version.str()) == Some("1")
}

/// Syntax errors stand alone: what was recovered around them would only raise follow-up errors.
fn parse_toml<'t>(text: &'t str, path: &Path) -> Result<DeTable<'t>, ManifestErrors> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let sink = Sink::default();
    for error in errors {
        sink.add(error.span().unwrap_or(0..0), format!("this is not TOML: {}", error.message().replace('\n', ", ")));
    }
    sink.into_result(path, text, Some(document.into_inner()))
}

/// Nothing else can be judged in a manifest of another version.
fn version_is_understood(root: &Table) -> bool {
    let Some(version) = root.required("spin_manifest_version", "spin_manifest_version = 2") else { return false };
    let understood = !version.is_string() && version.integer(0..=u64::MAX) == Some(2);
    if !understood {
        version.error("only version 2 manifests are supported; write `spin_manifest_version = 2`, without quotes");
    }
    understood
}

fn read(root: &Table, path: &Path) -> Manifest {
    let component_fields = component_fields(root);
    let mut declared = Declared {
        variables: read_variables(root),
        components: component_fields.iter().map(|(id, _)| (*id).to_owned()).collect(),
        limits: Limits::default(),
    };
    let application = read_application(root, &declared);
    declared.limits = application.kobliat.limits.clone();
    let triggers = read_triggers(root, &declared);
    let tables = component_fields.iter().filter_map(|(id, field)| Some(((*id).to_owned(), field.table()?)));
    let tables: Vec<(String, Table)> = tables.chain(triggers.inline).collect();
    let mut components = BTreeMap::new();
    for (id, table) in &tables {
        let component = read_component(id, table, exposing_route(id, &triggers.http), &declared);
        components.extend(component.map(|component| (id.clone(), component)));
    }
    for (_, table) in &tables {
        refuse_lossy_dependencies(table, &components);
    }
    let manifest = Manifest {
        path: path.to_owned(),
        dir: folder_of(path),
        application,
        variables: declared.variables,
        components,
        http_triggers: triggers.http,
        redis_triggers: triggers.redis,
    };
    root.finish();
    manifest
}

/// Never empty, so that it can be a working directory.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn component_fields<'a>(root: &Table<'a>) -> Vec<(&'a str, Field<'a>)> {
    let Some(table) = root.optional("component").and_then(|field| field.table()) else { return Vec::new() };
    let fields: Vec<_> = table.entries().collect();
    for (id, field) in &fields {
        if let Err(message) = ids::component_id(id) {
            field.key_error(message);
        }
    }
    fields
}

/// A public route by which anyone could call the paths that only the host may call.
fn exposing_route<'t>(id: &str, triggers: &'t [HttpTrigger]) -> Option<&'t str> {
    triggers.iter().find_map(|trigger| match (&trigger.route, &trigger.target) {
        (HttpRoute::Public(route), HttpTarget::Component { id: served, .. })
            if served == id && route.exposes_platform_paths() =>
        {
            Some(route.raw.as_str())
        }
        _ => None,
    })
}

/// A component used as a dependency keeps nothing of its own configuration, so it must have none.
fn refuse_lossy_dependencies(table: &Table, components: &BTreeMap<String, Component>) {
    let Some(dependencies) = table.optional("dependencies").filter(Field::is_table).and_then(|field| field.table())
    else {
        return;
    };
    for (_, field) in dependencies.entries().filter(|(_, field)| field.is_table()) {
        let target = field.table().and_then(|table| table.optional("component")).filter(Field::is_string);
        let Some(target) = target else { continue };
        let lost = target.str().and_then(|id| components.get(id)).map(Component::resources).unwrap_or_default();
        if !lost.is_empty() {
            target.error(format!(
                "this component has its own {}, which it would lose as a dependency; depend on its file by `path` instead",
                lost.join(", ")
            ));
        }
    }
}
