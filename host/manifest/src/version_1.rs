//! Manifests of version 1, which applications from before Spin 2 still have: written anew as version 2, then read like any other.

use toml::{Table, Value};

/// The same application as a manifest of version 2, or what is in the way. What does not belong into version 1 is kept, so
/// that the reader of version 2 says so.
pub(crate) fn upgraded(text: &str) -> Result<String, String> {
    let mut old: Table =
        text.parse().map_err(|error: toml::de::Error| format!("this is not TOML: {}", error.message()))?;
    for key in ["spin_manifest_version", "spin_version"] {
        old.remove(key);
    }
    let mut trigger = taken_table(&mut old, "trigger")?;
    let kind = taken_string(&mut trigger, "type")?;
    let mut new = Table::new();
    let (components, triggers) = components(&mut old)?;
    new.insert("spin_manifest_version".into(), Value::Integer(2));
    new.insert("application".into(), Value::Table(application(&mut old, &kind, trigger)));
    new.insert("trigger".into(), table(kind, Value::Array(triggers)));
    new.insert("component".into(), Value::Table(components));
    new.extend(old);
    toml::to_string(&new).map_err(|error| error.to_string())
}

/// `[application]`, with what is said of all triggers in a table of their own.
fn application(old: &mut Table, kind: &str, trigger: Table) -> Table {
    let known = ["name", "version", "description", "authors"];
    let mut application: Table = known.into_iter().filter_map(|key| old.remove_entry(key)).collect();
    if !trigger.is_empty() {
        application.insert("trigger".into(), table(kind.to_owned(), Value::Table(trigger)));
    }
    application
}

/// The components by id, and the triggers that they had inside.
fn components(old: &mut Table) -> Result<(Table, Vec<Value>), String> {
    let Some(Value::Array(list)) = old.remove("component") else {
        return Err("`[[component]]` is missing: a manifest of version 1 lists its components".to_owned());
    };
    let (mut components, mut triggers) = (Table::new(), Vec::new());
    for item in list {
        let Value::Table(mut component) = item else { return Err("an item of `component` is no table".to_owned()) };
        let id = component_id(&taken_string(&mut component, "id")?);
        let mut trigger = taken_table(&mut component, "trigger")?;
        trigger.insert("id".into(), Value::String(format!("trigger-{id}")));
        trigger.insert("component".into(), Value::String(id.clone()));
        triggers.push(Value::Table(trigger));
        if let Some(variables) = component.remove("config") {
            component.insert("variables".into(), variables);
        }
        if components.insert(id.clone(), Value::Table(component)).is_some() {
            return Err(format!("two components have the id `{id}`"));
        }
    }
    Ok((components, triggers))
}

/// Ids may have had capitals and underscores.
fn component_id(old: &str) -> String {
    old.replace('_', "-").to_lowercase()
}

fn table(key: String, value: Value) -> Value {
    Value::Table(Table::from_iter([(key, value)]))
}

fn taken_table(from: &mut Table, key: &str) -> Result<Table, String> {
    match from.remove(key) {
        Some(Value::Table(table)) => Ok(table),
        _ => Err(format!("`{key}` is missing, or no table; a manifest of version 1 has one")),
    }
}

fn taken_string(from: &mut Table, key: &str) -> Result<String, String> {
    match from.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("`{key}` is missing, or no string")),
    }
}
