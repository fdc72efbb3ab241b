//! `[application]`: who the application is, and what our host does differently from Spin's for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::declared::Declared;
use crate::reader::{Field, Table};
use crate::template::Template;
use crate::tool::ApplicationTool;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Application {
    pub name: String,
    pub version: Option<String>,
    pub description: Option<String>,
    pub authors: Vec<String>,
    /// Environments it promises to run in; only Spin's own build checks them.
    pub targets: Vec<Target>,
    /// `[application.trigger.redis] address`: the server of triggers that name none.
    pub redis_address: Option<Template>,
    pub kobliat: ApplicationTool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `spin-up:3.3`
    Named(String),
    Url(String),
    Path(PathBuf),
}

pub(crate) fn read_application(root: &Table, declared: &Declared) -> Application {
    let field = root.required("application", "[application]");
    let Some(table) = field.and_then(|field| field.table()) else { return Application::default() };
    let application = Application {
        name: table.required("name", "name = \"my-app\"").and_then(|field| read_name(&field)).unwrap_or_default(),
        version: table.optional("version").and_then(|field| field.string()),
        description: table.optional("description").and_then(|field| field.string()),
        authors: table.optional("authors").map(|field| field.strings()).unwrap_or_default(),
        targets: table.optional("targets").map(|field| read_targets(&field)).unwrap_or_default(),
        redis_address: table.optional("trigger").and_then(|field| read_trigger_settings(&field, declared)),
        kobliat: read_tools(&table).map(|tool| ApplicationTool::read(&tool, declared)).unwrap_or_default(),
    };
    table.finish();
    application
}

fn read_name(field: &Field) -> Option<String> {
    field.parsed(|name| match name.trim() {
        "" => Err("the application needs a name; write `name = \"my-app\"`".to_owned()),
        _ => Ok(name.to_owned()),
    })
}

pub(crate) fn read_targets(field: &Field) -> Vec<Target> {
    field.items().iter().filter_map(read_target).collect()
}

fn read_target(field: &Field) -> Option<Target> {
    if field.is_string() {
        return field.string().map(Target::Named);
    }
    let table = field.table_or_string()?;
    let url = table.optional("url").and_then(|field| field.string());
    let path = table.optional("path").and_then(|field| field.string());
    table.finish();
    match (url, path) {
        (Some(url), None) => Some(Target::Url(url)),
        (None, Some(path)) => Some(Target::Path(path.into())),
        _ => {
            field.error("a target has either a `url` or a `path`; keep one");
            None
        }
    }
}

/// Settings per trigger type; types that we do not know keep theirs to themselves, as in Spin.
fn read_trigger_settings(field: &Field, declared: &Declared) -> Option<Template> {
    let mut redis_address = None;
    for (kind, settings) in field.table()?.entries() {
        let Some(table) = settings.table() else { continue };
        match kind {
            "http" => read_http_settings(&table),
            "redis" => {
                redis_address = table.optional("address").and_then(|field| declared.template(&field));
                table.finish();
            }
            _ => {}
        }
    }
    redis_address
}

fn read_http_settings(table: &Table) {
    if let Some(base) = table.optional("base")
        && base.str().is_some_and(|path| path != "/")
    {
        base.error("`base` can only be \"/\"; put the prefix into each trigger's `route` instead");
    }
    table.finish();
}

/// `tool.<name>` tables belong to whoever they name; the one that is ours is returned.
pub(crate) fn read_tools<'a>(table: &Table<'a>) -> Option<Table<'a>> {
    let tools: BTreeMap<&str, Field<'a>> = table.optional("tool")?.table()?.entries().collect();
    let tables: BTreeMap<&str, Table<'a>> =
        tools.into_iter().filter_map(|(name, field)| Some((name, field.table()?))).collect();
    tables.into_iter().find_map(|(name, table)| (name == "kobliat").then_some(table))
}
