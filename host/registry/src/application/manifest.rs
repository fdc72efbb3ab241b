//! The spin.toml of a locked application.

use super::locked::{Component, Dependency, Inherit, LockedApp, Trigger};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Of a component's metadata, and what the manifest calls it.
const COMPONENT_METADATA: [(&str, &str); 6] = [
    ("description", "description"),
    ("allowed_outbound_hosts", "allowed_outbound_hosts"),
    ("allowed_http_hosts", "allowed_http_hosts"),
    ("key_value_stores", "key_value_stores"),
    ("databases", "sqlite_databases"),
    ("ai_models", "ai_models"),
];

pub fn of(lock: &LockedApp, origin: &str) -> Result<String, String> {
    let mut triggers: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for trigger in &lock.triggers {
        triggers.entry(&trigger.trigger_type).or_default().push(trigger_table(trigger, lock)?);
    }
    let components = lock.components.iter().map(|component| Ok((component.id.clone(), component_table(component)?)));
    let components: Map<String, Value> = components.collect::<Result<_, String>>()?;
    let variables: Map<String, Value> = lock.variables.iter().map(|(name, variable)| {
        let required = variable.default.is_none().then_some(true);
        let secret = variable.secret.then_some(true);
        let table = json!({ "default": variable.default, "required": required, "secret": secret, "description": variable.description });
        (name.clone(), table)
    }).collect();
    let manifest = json!({
        "spin_manifest_version": 2,
        "application": application_table(lock),
        "variables": variables,
        "trigger": triggers,
        "component": components,
    });
    let text = toml::to_string(&said(manifest)).map_err(|error| error.to_string())?;
    Ok(format!("# Made of {origin}.\n\n{text}"))
}

fn application_table(lock: &LockedApp) -> Value {
    let named = |key: &str| lock.metadata.get(key).cloned();
    // Only Redis has something of its own there; the base of HTTP is `/`.
    let redis = lock.metadata.get("triggers").and_then(|triggers| triggers.get("redis"));
    json!({
        "name": named("name").unwrap_or_else(|| json!("application")),
        "version": named("version"),
        "description": named("description"),
        "trigger": redis.map(|redis| json!({ "redis": redis })),
    })
}

/// Layers that were not composed are written at the component; each trigger of it has them.
fn trigger_table(trigger: &Trigger, lock: &LockedApp) -> Result<Value, String> {
    let Value::Object(config) = &trigger.trigger_config else {
        return Err(format!("its trigger `{}` has no configuration", trigger.id));
    };
    let component = config.get("component").and_then(Value::as_str);
    let component = lock.components.iter().find(|one| Some(one.id.as_str()) == component);
    let layers = component.map(|component| &component.trigger_dependencies).filter(|layers| !layers.is_empty());
    let layers = layers.unwrap_or(&trigger.trigger_dependencies);
    let mut table = config.clone();
    table.insert("id".to_owned(), json!(trigger.id));
    let roles = layers.iter().map(|(role, layers)| {
        let layers: Result<Vec<Value>, String> = layers.iter().map(dependency_table).collect();
        Ok((role.clone(), json!(layers?)))
    });
    table.insert("dependencies".to_owned(), Value::Object(roles.collect::<Result<_, String>>()?));
    Ok(Value::Object(table))
}

fn component_table(component: &Component) -> Result<Value, String> {
    let named = COMPONENT_METADATA.iter();
    let named = named.filter_map(|(key, name)| Some(((*name).to_owned(), component.metadata.get(*key)?.clone())));
    let mut table: Map<String, Value> = named.collect();
    table.insert("source".to_owned(), json!(component.source.wasm()?));
    table.insert("environment".to_owned(), json!(component.env));
    table.insert("variables".to_owned(), json!(component.config));
    if !component.files.is_empty() {
        table.insert("files".to_owned(), json!([{ "source": component.assets()?, "destination": "/" }]));
    }
    let dependencies = component.dependencies.iter().map(|(name, one)| Ok((name.clone(), dependency_table(one)?)));
    table.insert("dependencies".to_owned(), Value::Object(dependencies.collect::<Result<_, String>>()?));
    Ok(Value::Object(table))
}

fn dependency_table(dependency: &Dependency) -> Result<Value, String> {
    let inherit = match &dependency.inherit {
        Inherit::All => json!(true),
        Inherit::Some(names) => json!(names),
    };
    Ok(json!({ "path": dependency.source.wasm()?, "export": dependency.export, "inherit_configuration": inherit }))
}

/// Without what is null, which TOML can not say, and without what is an empty table.
fn said(value: Value) -> Value {
    match value {
        Value::Object(table) => {
            let table = table.into_iter().map(|(key, value)| (key, said(value)));
            let says = |value: &Value| !value.is_null() && !value.as_object().is_some_and(Map::is_empty);
            Value::Object(table.filter(|(_, value)| says(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(said).collect()),
        other => other,
    }
}
