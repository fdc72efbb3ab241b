//! What the command line and the deployment change in an application: applied to the manifest, so that nothing else needs to know.

use crate::error::StartError;
use crate::options::{InstanceOptions, Options};
use kobliat_manifest::{Component, HttpTarget, Manifest};

/// `max_memory` is the deployment's; the command line's wins over it.
pub fn apply(manifest: &mut Manifest, options: &Options, max_memory: Option<u64>) -> Result<(), StartError> {
    choose(manifest, &options.components)?;
    for component in manifest.components.values_mut() {
        for (name, value) in &options.guest_environment {
            component.environment.insert(name.clone(), value.clone());
            component.kobliat.own.environment.insert(name.clone());
        }
        limit(component, &options.instances, options.instances.max_memory.or(max_memory));
    }
    Ok(())
}

/// `-c web` keeps the triggers of the chosen components; the others may still be called.
fn choose(manifest: &mut Manifest, chosen: &[String]) -> Result<(), StartError> {
    if chosen.is_empty() {
        return Ok(());
    }
    let unknown = chosen.iter().filter(|id| !manifest.components.contains_key(*id));
    let known = || manifest.components.keys().cloned().collect::<Vec<_>>().join(", ");
    let unknown = unknown.map(|id| format!("there is no component `{id}`; the application has {}", known()));
    StartError::from_all(unknown.collect())?;
    manifest.http_triggers.retain(|trigger| match &trigger.target {
        HttpTarget::Component { id, .. } => chosen.contains(id),
        HttpTarget::Static(_) => true,
    });
    manifest.redis_triggers.retain(|trigger| chosen.contains(&trigger.component));
    Ok(())
}

/// The command line speaks for the whole application, as in Spin; memory it can only lower.
fn limit(component: &mut Component, options: &InstanceOptions, max_memory: Option<u64>) {
    let limits = &mut component.kobliat.limits;
    limits.memory_bytes = max_memory.map_or(limits.memory_bytes, |most| limits.memory_bytes.min(most));
    limits.reuse = options.reuse.unwrap_or(limits.reuse);
    limits.concurrency = options.concurrency.unwrap_or(limits.concurrency);
    limits.timeout = options.timeout.unwrap_or(limits.timeout);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        spin_manifest_version = 2
        application = { name = "a" }
        [[trigger.http]]
        route = "/one"
        component = "one"
        [[trigger.http]]
        route = "/two"
        component = "two"
        [[trigger.http]]
        route = "/static"
        static_response = { body = "x" }
        [component.one]
        source = "one.wasm"
        environment = { A = "1", B = "2" }
        [component.two]
        source = "two.wasm"
    "#;

    fn applied(change: impl FnOnce(&mut Options)) -> Result<Manifest, StartError> {
        let mut manifest = Manifest::parse(TEXT, "spin.toml").unwrap();
        let mut options = Options::new("spin.toml");
        change(&mut options);
        apply(&mut manifest, &options, Some(1 << 20)).map(|()| manifest)
    }

    #[test]
    fn the_environment_of_the_command_line_goes_to_all_and_wins() {
        let manifest = applied(|options| options.guest_environment = vec![("A".into(), "x".into())]).unwrap();
        assert_eq!(manifest.components["one"].environment["A"], "x");
        assert_eq!(manifest.components["one"].environment["B"], "2");
        assert_eq!(manifest.components["two"].environment["A"], "x");
    }

    #[test]
    fn only_the_chosen_components_keep_their_routes() {
        let manifest = applied(|options| options.components = vec!["two".into()]).unwrap();
        let routes: Vec<_> = manifest.http_triggers.iter().map(|trigger| trigger.id.clone()).collect();
        assert_eq!(routes.len(), 2, "{routes:?}");
        let error = applied(|options| options.components = vec!["three".into()]).unwrap_err().to_string();
        assert!(error.contains("no component `three`") && error.contains("one, two"), "{error}");
    }

    #[test]
    fn memory_is_lowered_and_never_raised() {
        let manifest = applied(|options| options.instances.reuse = Some(3)).unwrap();
        assert_eq!(manifest.components["one"].kobliat.limits.memory_bytes, 1 << 20);
        assert_eq!(manifest.components["two"].kobliat.limits.reuse, 3);
        let manifest = applied(|options| options.instances.max_memory = Some(1 << 40)).unwrap();
        assert_eq!(manifest.components["one"].kobliat.limits.memory_bytes, 64 << 20);
    }
}
