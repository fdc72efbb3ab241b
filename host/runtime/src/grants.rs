//! What each component may use of what its manifest lists.

use crate::components::is_composed;
use kobliat_manifest::{Component, Manifest, Own};
use std::collections::HashMap;

/// By component. One whose dependencies are composed into it holds all that it lists, because they use it too; one whose
/// dependencies are linked holds its `own`, because they run with theirs.
pub fn grants<'m, T>(
    manifest: &'m Manifest,
    links: bool,
    listed: impl Fn(&'m Component) -> &'m T,
    own: impl Fn(&'m Own) -> &'m T,
) -> HashMap<String, &'m T> {
    let held = |component: &'m Component| {
        if is_composed(component, links) { listed(component) } else { own(&component.kobliat.own) }
    };
    manifest.components.iter().map(|(id, component)| (id.clone(), held(component))).collect()
}

/// The same, for those who keep it.
pub fn owned<T: Clone>(grants: HashMap<String, &T>) -> HashMap<String, T> {
    grants.into_iter().map(|(component, held)| (component, held.clone())).collect()
}
