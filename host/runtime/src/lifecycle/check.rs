//! Whether a new version fits where the old one was: its callers, its links, what the manifest grants it.

use super::{ChangeError, Lifecycle, Slot, Version};
use crate::wiring::links_of;
use kobliat_links::CheckError;
use kobliat_manifest::Component as Declared;
use std::sync::Arc;
use wasmtime::component::Component;

/// What a component must be granted to import an interface: beginning of its name, key in the manifest, whether it has some.
type Grant = (&'static str, &'static str, fn(&Declared) -> bool);

const GRANTS: [Grant; 8] = [
    ("spin:sqlite/", "sqlite_databases", |declared| !declared.sqlite_databases.is_empty()),
    ("fermyon:spin/sqlite", "sqlite_databases", |declared| !declared.sqlite_databases.is_empty()),
    ("spin:key-value/", "key_value_stores", |declared| !declared.key_value_stores.is_empty()),
    ("fermyon:spin/key-value", "key_value_stores", |declared| !declared.key_value_stores.is_empty()),
    ("wasi:keyvalue/", "key_value_stores", |declared| !declared.key_value_stores.is_empty()),
    ("fermyon:spin/llm", "ai_models", |declared| !declared.ai_models.is_empty()),
    ("wasi:http/client", "allowed_outbound_hosts", |declared| !declared.allowed_outbound_hosts.is_empty()),
    ("wasi:http/outgoing-handler", "allowed_outbound_hosts", |declared| !declared.allowed_outbound_hosts.is_empty()),
];

/// Everyone who is linked to the component must find what it needs, with the same types.
pub fn importers(slots: &[Arc<Slot>], linked: bool, id: &str, new: &Component) -> Result<(), ChangeError> {
    for slot in slots {
        for importer in slot.versions() {
            let links = links_of(&importer.runnable.declared, linked);
            for (interface, _) in links.filter(|(_, callee)| *callee == id) {
                importer_of(slot, &importer, new, interface)?;
            }
        }
    }
    Ok(())
}

fn importer_of(slot: &Slot, importer: &Version, new: &Component, interface: &str) -> Result<(), ChangeError> {
    match kobliat_links::check(new.engine(), &importer.runnable.component, new, interface) {
        // It is linked, and has stopped using it.
        Ok(_) | Err(CheckError::NotImported(_)) => Ok(()),
        Err(error) => Err(ChangeError::Refused(format!(
            "component `{}` is linked to it and could not call it any more: {error}",
            slot.id
        ))),
    }
}

/// What the running version does not import either, and the manifest grants nothing of.
pub fn grants(declared: &Declared, old: &Component, new: &Component) -> Result<(), ChangeError> {
    let had = imports(old);
    for import in imports(new) {
        let missing = GRANTS.iter().find(|(beginning, _, granted)| import.starts_with(beginning) && !granted(declared));
        if let Some((beginning, key, _)) = missing
            && !had.iter().any(|had| had.starts_with(beginning))
        {
            return Err(ChangeError::Refused(format!(
                "it imports `{import}`, and [component.{}] grants none: add `{key}` in spin.toml and restart, or build it without",
                declared.id
            )));
        }
    }
    Ok(())
}

fn imports(component: &Component) -> Vec<String> {
    let ty = component.component_type();
    ty.imports(component.engine()).map(|(name, _)| name.to_owned()).collect()
}

/// Others that hold the component's code inside: they would keep the old.
pub fn composed_into(lifecycle: &Lifecycle, id: &str) -> Vec<String> {
    use kobliat_manifest::{ComponentSource, DependencyKind};
    let world = lifecycle.world();
    let source = world.manifest().components.get(id).map(|component| &component.source);
    let holds = |component: &Declared| {
        component.dependencies.iter().any(|dependency| {
            let composed = !crate::components::is_linked(component, dependency, world.instances.links);
            let same = match (&dependency.kind, source) {
                (DependencyKind::Component(other), _) => other == id,
                (DependencyKind::Path(path), Some(ComponentSource::Path(source))) => path == source,
                _ => false,
            };
            composed && same
        })
    };
    let running = lifecycle.slots().into_iter().filter(|slot| holds(&slot.version().runnable.declared));
    running.map(|slot| slot.id.clone()).collect()
}
