//! Ids of triggers that have none, and of components written inside a trigger: the ones that Spin gives.

use std::collections::BTreeSet;

use crate::declared::Declared;
use crate::ids;
use crate::reader::{Field, Table};

/// A trigger whose id and component are known.
pub(super) struct Named<'a> {
    pub kind: &'a str,
    pub id: String,
    pub component: Option<String>,
    pub table: Table<'a>,
}

pub(super) fn name_triggers<'a>(
    listed: Vec<(&'a str, Table<'a>)>,
    declared: &Declared,
    inline: &mut Vec<(String, Table<'a>)>,
) -> Vec<Named<'a>> {
    let mut taken = explicit_ids(&listed);
    let mut components = declared.components.clone();
    let mut named = Vec::new();
    for (kind, table) in listed {
        let specs = component_specs(&table);
        let id = match table.optional("id").and_then(|field| field.string()) {
            Some(id) if !id.is_empty() => id,
            _ => free_trigger_id(kind, table.optional("component").as_ref(), &mut taken),
        };
        let mut component = None;
        for (is_main, spec) in &specs {
            let resolved = if spec.is_string() {
                declared.component(spec)
            } else {
                spec.table_or_string().map(|table| {
                    let component_id = free_component_id(&id, specs.len() > 1, &mut components);
                    inline.push((component_id.clone(), table));
                    component_id
                })
            };
            if *is_main {
                component = resolved;
            }
        }
        named.push(Named { kind, id, component, table });
    }
    named
}

fn explicit_ids(listed: &[(&str, Table)]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for field in listed.iter().filter_map(|(_, table)| table.optional("id")) {
        let Some(id) = field.string() else { continue };
        if !id.is_empty() && !ids.insert(id.clone()) {
            field.error(format!("another trigger has the id `{id}` already; choose a different one"));
        }
    }
    ids
}

/// `component`, then every one of `components = { role = one-or-many }`.
fn component_specs<'a>(table: &Table<'a>) -> Vec<(bool, Field<'a>)> {
    let mut specs: Vec<_> = table.optional("component").map(|field| (true, field)).into_iter().collect();
    let Some(roles) = table.optional("components").and_then(|field| field.table()) else { return specs };
    for (_, field) in roles.entries() {
        if field.is_array() {
            specs.extend(field.items().into_iter().map(|item| (false, item)));
        } else {
            specs.push((false, field));
        }
    }
    specs
}

fn free_trigger_id(kind: &str, component: Option<&Field>, taken: &mut BTreeSet<String>) -> String {
    let reference = component.filter(|field| field.is_string()).and_then(|field| field.string());
    let natural = reference.map(|component| format!("{component}-{kind}-trigger"));
    let numbered = (1_u64..).map(|number| format!("{kind}-trigger{number}"));
    first_free(natural.into_iter().chain(numbered), taken)
}

fn free_component_id(trigger: &str, is_one_of_many: bool, taken: &mut BTreeSet<String>) -> String {
    let natural = Some(format!("{trigger}-component")).filter(|id| !is_one_of_many && ids::is_kebab(id));
    let numbered = (1_u64..).map(|number| format!("inline-component{number}"));
    first_free(natural.into_iter().chain(numbered), taken)
}

fn first_free(mut candidates: impl Iterator<Item = String>, taken: &mut BTreeSet<String>) -> String {
    candidates.find(|candidate| taken.insert(candidate.clone())).unwrap_or_default()
}
