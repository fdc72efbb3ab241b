//! What the command line and the deployment change in an application: applied to the manifest, so that nothing else needs to know.

use crate::error::StartError;
use crate::options::{InstanceOptions, Options};
use kobliat_manifest::{Build, Component, HttpTarget, Manifest, Profile};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::time::Duration;

/// `max_memory` is the deployment's; the command line's wins over it.
pub fn apply(manifest: &mut Manifest, options: &Options, max_memory: Option<u64>) -> Result<(), StartError> {
    if let Some(name) = &options.profile {
        profile(manifest, name)?;
    }
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

/// Makes the components what they are in this profile. One that does not have it stays as it is; one that no component has is a mistake.
pub fn profile(manifest: &mut Manifest, name: &str) -> Result<(), StartError> {
    let mut known = false;
    for component in manifest.components.values_mut() {
        if let Some(profile) = component.profiles.get(name).cloned() {
            known = true;
            take(component, profile);
        }
    }
    if known { Ok(()) } else { Err(StartError::new(no_profile(manifest, name))) }
}

fn take(component: &mut Component, profile: Profile) {
    component.source = profile.source.unwrap_or_else(|| component.source.clone());
    component.kobliat.own.environment.extend(profile.environment.keys().cloned());
    component.environment.extend(profile.environment);
    for dependency in profile.dependencies {
        component.dependencies.retain(|one| !one.name.overlaps(&dependency.name));
        component.dependencies.push(dependency);
    }
    if let Some(command) = profile.build_command {
        let place = component.build.take();
        let (workdir, watch) = place.map(|build| (build.workdir, build.watch)).unwrap_or_default();
        component.build = Some(Build { command, workdir, watch });
    }
}

fn no_profile(manifest: &Manifest, name: &str) -> String {
    let profiles = manifest.components.values().flat_map(|component| component.profiles.keys());
    let known: std::collections::BTreeSet<&String> = profiles.collect();
    let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("no component has the profile `{name}`; there is {known}: add [component.<id>.profile.{name}]")
}

/// `-c web` keeps the triggers of the chosen components; the others may still be called, and get no events or ticks, which come by HTTP.
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
    for component in manifest.components.values_mut().filter(|component| !chosen.contains(&component.id)) {
        component.kobliat.subscribe.clear();
        component.kobliat.tick = None;
    }
    Ok(())
}

/// The command line speaks for the whole application, as in Spin; memory it can only lower.
fn limit(component: &mut Component, options: &InstanceOptions, max_memory: Option<u64>) {
    let limits = &mut component.kobliat.limits;
    limits.memory_bytes = max_memory.map_or(limits.memory_bytes, |most| limits.memory_bytes.min(most));
    // Of a range the pool has the most, and each instance a number of its own.
    if let Some(range) = &options.reuse {
        (limits.least.reuse, limits.reuse) = (Some(range.start), most(range));
    }
    if let Some(range) = &options.concurrency {
        (limits.least.concurrency, limits.concurrency) = (Some(range.start), most(range));
    }
    if let Some(range) = &options.idle {
        (limits.least.idle, limits.idle) = (Some(range.start), range.end.saturating_sub(Duration::from_nanos(1)));
    }
    // A request has its deadline before it has an instance.
    if let Some(range) = &options.timeout {
        limits.timeout = one_of(range);
    }
}

fn most(range: &Range<u32>) -> u32 {
    range.end.saturating_sub(1).max(range.start)
}

/// Chosen at random, so that nobody comes to rely on how often an instance is used again.
fn one_of(range: &Range<Duration>) -> Duration {
    let width = u64::try_from(range.end.saturating_sub(range.start).as_nanos()).unwrap_or(u64::MAX).max(1);
    range.start + Duration::from_nanos(RandomState::new().hash_one(()) % width)
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
    fn of_a_range_the_component_has_both_ends_and_a_request_a_time_between() {
        let second = Duration::from_secs(1);
        let manifest = applied(|options| {
            options.instances.reuse = Some(2..5);
            options.instances.idle = Some(second..2 * second);
            options.instances.timeout = Some(second..2 * second);
        });
        let limits = manifest.unwrap().components["one"].kobliat.limits.clone();
        assert_eq!((limits.least.reuse, limits.reuse, limits.least.concurrency), (Some(2), 4, None));
        assert!(limits.least.idle == Some(second) && limits.idle < 2 * second);
        assert!((second..2 * second).contains(&limits.timeout), "{:?}", limits.timeout);
    }

    #[test]
    fn a_profile_replaces_the_source_and_adds_to_the_environment() {
        let debug = |manifest: &Manifest| {
            let one = &manifest.components["one"];
            (format!("{:?}", one.source), one.environment.clone(), one.build.clone().map(|build| build.command))
        };
        let text = format!(
            "{TEXT}\n[component.one.profile.debug]\nsource = \"debug.wasm\"\nenvironment = {{ B = \"3\", C = \"4\" }}\nbuild = {{ command = \"make debug\" }}\n"
        );
        let mut manifest = Manifest::parse(&text, "spin.toml").unwrap();
        profile(&mut manifest, "debug").unwrap();
        let (source, environment, build) = debug(&manifest);
        assert!(source.contains("debug.wasm"), "{source}");
        assert_eq!(environment.into_values().collect::<Vec<_>>(), ["1", "3", "4"]);
        assert_eq!(build, Some(vec!["make debug".to_owned()]));
        assert_eq!(manifest.components["one"].kobliat.own.environment.len(), 3);
        let error = profile(&mut manifest, "release").unwrap_err().to_string();
        assert!(error.contains("no component has the profile `release`; there is debug"), "{error}");
    }

    #[test]
    fn who_is_not_chosen_gets_no_events_and_no_ticks() {
        let text = format!("{TEXT}\n[component.two.tool.kobliat]\ntick = \"5s\"\nsubscribe = [\"com.example.*\"]\n");
        let mut manifest = Manifest::parse(&text, "spin.toml").unwrap();
        choose(&mut manifest, &["two".to_owned()]).unwrap();
        assert!(manifest.components["two"].kobliat.tick.is_some());
        choose(&mut manifest, &["one".to_owned()]).unwrap();
        let tool = &manifest.components["two"].kobliat;
        assert!(tool.subscribe.is_empty() && tool.tick.is_none());
    }

    #[test]
    fn memory_is_lowered_and_never_raised() {
        let manifest = applied(|options| options.instances.reuse = Some(3..4)).unwrap();
        assert_eq!(manifest.components["one"].kobliat.limits.memory_bytes, 1 << 20);
        assert_eq!(manifest.components["two"].kobliat.limits.reuse, 3);
        let manifest = applied(|options| options.instances.max_memory = Some(1 << 40)).unwrap();
        assert_eq!(manifest.components["one"].kobliat.limits.memory_bytes, 64 << 20);
    }
}
