//! `[component.<id>]`: one WebAssembly component and all that it may touch.

use std::collections::BTreeMap;
use std::path::PathBuf;

mod files;
mod network;
mod parts;

pub use files::FileMount;
pub use parts::{Build, ComponentSource, Profile};

use crate::application::{Target, read_targets, read_tools};
use crate::declared::Declared;
use crate::dependency::{Dependency, DependencyKind, read_dependencies};
use crate::ids;
use crate::reader::{Field, Table};
use crate::template::Template;
use crate::tool::{ComponentTool, Own, Owner};

#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub id: String,
    pub source: ComponentSource,
    pub description: Option<String>,
    /// What the guest reads by `spin:variables`, made of application variables.
    pub variables: BTreeMap<String, Template>,
    pub environment: BTreeMap<String, String>,
    /// Mounted read-only.
    pub files: Vec<FileMount>,
    /// Globs.
    pub exclude_files: Vec<String>,
    /// See `allowed_hosts`; the deprecated `allowed_http_hosts` are among them.
    pub allowed_outbound_hosts: Vec<Template>,
    /// Labels.
    pub key_value_stores: Vec<String>,
    /// Labels.
    pub sqlite_databases: Vec<String>,
    pub ai_models: Vec<String>,
    /// Instead of the application's.
    pub targets: Option<Vec<Target>>,
    pub build: Option<Build>,
    pub dependencies: Vec<Dependency>,
    pub dependencies_inherit_configuration: bool,
    /// What `--profile <name>` changes.
    pub profiles: BTreeMap<String, Profile>,
    pub kobliat: ComponentTool,
}

/// `None`, with errors, when it has no usable source.
/// `exposed_by` is a public route of the component that would expose the paths that only the host may call.
pub(crate) fn read_component(
    id: &str,
    table: &Table,
    exposed_by: Option<&str>,
    declared: &Declared,
) -> Option<Component> {
    let inherits_all = table.optional("dependencies_inherit_configuration").and_then(|field| field.bool());
    let source = table.required("source", "source = \"component.wasm\"").and_then(|field| parts::read_source(&field));
    let dependencies = table.optional("dependencies").map(|f| read_dependencies(&f, inherits_all, declared));
    let mut component = Component {
        id: id.to_owned(),
        source: source.clone().unwrap_or(ComponentSource::Path(PathBuf::new())),
        description: table.optional("description").and_then(|field| field.string()),
        variables: table.optional("variables").map(|field| read_variables(&field, declared)).unwrap_or_default(),
        environment: table.optional("environment").map(|field| parts::read_environment(&field)).unwrap_or_default(),
        files: table.optional("files").map(|field| files::read_files(&field)).unwrap_or_default(),
        exclude_files: table.optional("exclude_files").map(|f| f.parsed_list(files::pattern)).unwrap_or_default(),
        allowed_outbound_hosts: network::read_hosts(table, declared),
        key_value_stores: table.optional("key_value_stores").map(|f| f.parsed_list(ids::label)).unwrap_or_default(),
        sqlite_databases: table.optional("sqlite_databases").map(|f| f.parsed_list(ids::label)).unwrap_or_default(),
        ai_models: table.optional("ai_models").map(|f| f.parsed_list(|model| Ok(model.to_owned()))).unwrap_or_default(),
        targets: table.optional("targets").map(|field| read_targets(&field)),
        build: table.optional("build").and_then(|field| parts::read_build(&field)),
        dependencies: dependencies.unwrap_or_default(),
        dependencies_inherit_configuration: inherits_all.unwrap_or(false),
        profiles: table.optional("profile").map(|f| parts::read_profiles(&f, declared)).unwrap_or_default(),
        kobliat: ComponentTool::default(),
    };
    component.kobliat = read_kobliat(&component, table, exposed_by, declared);
    table.finish();
    source.map(|_| component)
}

fn read_kobliat(component: &Component, table: &Table, exposed_by: Option<&str>, declared: &Declared) -> ComponentTool {
    let lists = Own {
        sqlite_databases: component.sqlite_databases.clone(),
        key_value_stores: component.key_value_stores.clone(),
        ai_models: component.ai_models.clone(),
        allowed_outbound_hosts: component.allowed_outbound_hosts.clone(),
        variables: component.variables.keys().cloned().collect(),
        environment: component.environment.keys().cloned().collect(),
    };
    match read_tools(table) {
        Some(tool) => {
            let dependencies = component.dependencies.iter().map(|d| (d.key.as_str(), d.composed_from())).collect();
            ComponentTool::read(&tool, Owner { id: &component.id, lists, dependencies, exposed_by }, declared)
        }
        None => ComponentTool { own: lists, ..ComponentTool::default() },
    }
}

impl Dependency {
    fn composed_from(&self) -> Option<&str> {
        match &self.kind {
            DependencyKind::Component(id) => Some(id),
            _ => None,
        }
    }
}

impl Component {
    /// What it has of its own that a dependency must not have: it would be lost in the composition.
    pub fn resources(&self) -> Vec<&'static str> {
        let listed = [
            ("variables", self.variables.is_empty()),
            ("environment", self.environment.is_empty()),
            ("files", self.files.is_empty()),
            ("allowed_outbound_hosts", self.allowed_outbound_hosts.is_empty()),
            ("key_value_stores", self.key_value_stores.is_empty()),
            ("sqlite_databases", self.sqlite_databases.is_empty()),
            ("ai_models", self.ai_models.is_empty()),
            ("dependencies", self.dependencies.is_empty()),
        ];
        listed.into_iter().filter(|(_, empty)| !empty).map(|(name, _)| name).collect()
    }
}

fn read_variables(field: &Field, declared: &Declared) -> BTreeMap<String, Template> {
    let Some(table) = field.table() else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for (name, value) in table.entries() {
        if let Err(message) = ids::variable_name(name) {
            value.key_error(message);
        }
        variables.insert(name.to_owned(), declared.template(&value).unwrap_or_default());
    }
    variables
}
