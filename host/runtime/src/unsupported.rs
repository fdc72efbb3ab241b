//! What a valid manifest may ask for and this host cannot give: refused at start, so that nobody misses it at midnight.

use crate::admin::refuse_half_administrators;
use crate::error::StartError;
use kobliat_manifest::{Component, DependencyKind, Executor, HttpTarget, HttpTrigger, Manifest};

/// Refuses all of it at once; each reason names the table and what to do.
pub fn refuse(manifest: &Manifest) -> Result<(), StartError> {
    let mut problems = Vec::new();
    if manifest.http_triggers.is_empty() && manifest.redis_triggers.is_empty() {
        problems.push("nothing would run: add a [[trigger.http]] with a `route` and a `component`".to_owned());
    }
    for trigger in &manifest.redis_triggers {
        problems.push(format!(
            "[[trigger.redis]] `{}`: this host has no Redis trigger; remove it, or run the application with `spin up`",
            trigger.id
        ));
    }
    manifest.http_triggers.iter().for_each(|trigger| refuse_trigger(trigger, &mut problems));
    manifest.http_triggers.iter().for_each(|trigger| refuse_lossy_middleware(trigger, manifest, &mut problems));
    problems.extend(refuse_half_administrators(manifest));
    StartError::from_all(problems)
}

fn refuse_trigger(trigger: &HttpTrigger, problems: &mut Vec<String>) {
    let table = format!("[[trigger.http]] `{}`", trigger.id);
    if let HttpTarget::Component { executor: Executor::Wagi { .. }, .. } = &trigger.target {
        problems.push(format!(
            "{table}: this host has no `wagi` executor; build the component with spin-sdk 7 and remove `executor`"
        ));
    }
}

/// A layer runs in its component, with what that one has; what its own table grants would be lost without a word.
fn refuse_lossy_middleware(trigger: &HttpTrigger, manifest: &Manifest, problems: &mut Vec<String>) {
    for layer in &trigger.middleware {
        let DependencyKind::Component(id) = &layer.kind else { continue };
        let lost = manifest.components.get(id).map(Component::resources).unwrap_or_default();
        let lost: Vec<_> = lost.into_iter().filter(|resource| *resource != "dependencies").collect();
        if !lost.is_empty() {
            problems.push(format!(
                "[[trigger.http]] `{}`: component `{id}` has its own {}, which it would lose as middleware; give them to the component \
                 behind it, and let the layer have them by `inherit_configuration`",
                trigger.id,
                lost.join(", ")
            ));
        }
    }
}
