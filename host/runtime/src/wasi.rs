//! Each component's share of WASI: environment, files and sockets, prepared before any instance.

use crate::components::{is_composed, used};
use crate::error::StartError;
use crate::factors::Settings;
use kobliat_factor_wasi::{ComponentWasi, FileMounts, FilesOptions, Sockets};
use kobliat_manifest::Component;
use kobliat_outbound_networking::Policy;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// By component; those that do not run get nothing copied. Copies are made below `assets`; what is `kept` is taken as it is.
pub fn prepare(
    settings: &Settings<'_>,
    policies: &HashMap<String, Policy>,
    assets: &Path,
    kept: impl Fn(&Component) -> Option<ComponentWasi>,
) -> Result<BTreeMap<String, ComponentWasi>, StartError> {
    let Settings { manifest, options, .. } = settings;
    let files = FilesOptions { direct: options.direct_mounts, writable: options.allow_transient_write };
    let (mut prepared, mut problems) = (BTreeMap::new(), Vec::new());
    for id in used(manifest, options.links) {
        let Some(component) = manifest.components.get(&id) else { continue };
        if let Some(kept) = kept(component) {
            prepared.insert(id, kept);
            continue;
        }
        match FileMounts::prepare(component, &manifest.dir, assets, files) {
            Ok(files) => {
                let sockets = Sockets::new(&id, policies.get(&id).cloned().unwrap_or_default());
                let environment = environment(component, is_composed(component, options.links));
                prepared.insert(id, ComponentWasi { environment, files, sockets });
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    StartError::from_all(problems)?;
    Ok(prepared)
}

/// What the component was promised in `environment`; where its dependencies are linked, what is its own of that.
fn environment(component: &Component, composed: bool) -> Vec<(String, String)> {
    let own = &component.kobliat.own.environment;
    let held = component.environment.iter().filter(|(name, _)| composed || own.contains(*name));
    held.map(|(name, value)| (name.clone(), value.clone())).collect()
}
