//! `dependencies.middleware` of a trigger: composed in front of its component, and nobody reaches the component around it.

use crate::components::Loader;
use crate::inheritance;
use kobliat_compose::{Layer, wrap as compose};
use kobliat_manifest::{Component, HttpTarget, Manifest, Middleware};
use std::collections::BTreeMap;

/// Triggers of one component with different middleware need a component each: the first keeps the id (and its
/// `<id>.spin.internal`), the others get copies, named as Spin names them.
pub fn apart(mut manifest: Manifest) -> Manifest {
    let mut first: BTreeMap<String, Vec<Middleware>> = BTreeMap::new();
    for trigger in &mut manifest.http_triggers {
        let HttpTarget::Component { id, .. } = &mut trigger.target else { continue };
        match first.get(id) {
            None => drop(first.insert(id.clone(), trigger.middleware.clone())),
            Some(same) if *same == trigger.middleware => {}
            Some(_) => {
                let copy = format!("{id}-for-{}", trigger.id);
                if let Some(component) = manifest.components.get(id) {
                    manifest.components.insert(copy.clone(), copy_of(component, &copy));
                }
                *id = copy;
            }
        }
    }
    manifest
}

/// The platform's own calls go to the original only, or they would be made twice.
fn copy_of(component: &Component, id: &str) -> Component {
    let mut copy = Component { id: id.to_owned(), ..component.clone() };
    copy.kobliat.tick = None;
    copy.kobliat.subscribe.clear();
    copy
}

/// The component behind the middleware of its triggers, which all have the same ([`apart`]).
pub fn wrap(loader: &Loader<'_>, id: &str, component: Vec<u8>) -> Result<Vec<u8>, String> {
    let is_its = |target: &HttpTarget| matches!(target, HttpTarget::Component { id: served, .. } if served == id);
    let Some(trigger) = loader.manifest.http_triggers.iter().find(|trigger| is_its(&trigger.target)) else {
        return Ok(component);
    };
    let linked = loader.manifest.components.get(id).map(|component| loader.linked(component)).unwrap_or_default();
    let mut parts = Vec::new();
    for (position, layer) in trigger.middleware.iter().enumerate() {
        let what = format!("middleware {} of [[trigger.http]] `{}`", position + 1, trigger.id);
        let bytes = loader.part(&what, &layer.kind, &mut vec![id.to_owned()])?;
        let bytes = inheritance::restrict(&what, bytes, &layer.inherit_configuration, &linked)?;
        parts.push((what, bytes));
    }
    let layers: Vec<Layer<'_>> = parts.iter().map(|(what, bytes)| Layer { what, bytes }).collect();
    compose(id, component, &layers).map_err(|error| error.to_string())
}
