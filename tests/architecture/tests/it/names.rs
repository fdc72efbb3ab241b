//! One name, five places: component id, folder, package, database label, internal host name.

use std::collections::BTreeSet;

use kobliat_architecture::{crates_in, root, toml_file};

fn manifest() -> toml::Table {
    toml_file(&root().join("spin.toml"))
}

fn strings(value: Option<&toml::Value>) -> Vec<String> {
    let items = value.and_then(toml::Value::as_array).into_iter().flatten();
    items.map(|item| item.as_str().expect("a list of strings").to_owned()).collect()
}

fn components(manifest: &toml::Table) -> impl Iterator<Item = (&String, &toml::Value)> {
    manifest["component"].as_table().expect("components").iter()
}

#[test]
fn components_folders_and_packages_have_the_same_names() {
    let ids: BTreeSet<_> = components(&manifest()).map(|(id, _)| id.clone()).collect();
    let guests: Vec<_> = crates_in("components").into_iter().filter(|it| it.is_guest).collect();
    for it in &guests {
        assert_eq!(it.folder_name, it.package, "folder and package of a component have one name");
    }
    assert_eq!(
        guests.into_iter().map(|it| it.package).collect::<BTreeSet<_>>(),
        ids,
        "components/ and spin.toml differ"
    );
}

#[test]
fn a_component_is_built_by_the_plain_command_into_the_file_that_runs() {
    for (id, component) in components(&manifest()) {
        let file = id.replace('-', "_");
        assert_eq!(
            component["source"].as_str(),
            Some(format!("target/guests/wasm32-wasip2/release/{file}.wasm").as_str())
        );
        let command = format!("cargo build --target wasm32-wasip2 --release -p {id} --target-dir target/guests");
        assert_eq!(component["build"]["command"].as_str(), Some(command.as_str()), "stock `spin build` runs it too");
    }
}

#[test]
fn a_component_opens_its_own_database_and_no_other() {
    for (id, component) in components(&manifest()) {
        let listed = strings(component.get("sqlite_databases"));
        let own = component.get("tool").and_then(|tool| tool.get("kobliat")).and_then(|ours| ours.get("own"));
        let own = own.map_or(listed.clone(), |own| strings(own.get("sqlite_databases")));
        assert!(
            own.iter().all(|label| label == id),
            "`{id}` may open {own:?}; reach other data by typed call, HTTP or event"
        );
        let linked = component.get("dependencies").and_then(toml::Value::as_table).is_some_and(|it| !it.is_empty());
        assert!(
            linked || listed == own,
            "`{id}` lists the databases of others without a dependency that inherits them"
        );
    }
}

#[test]
fn every_label_has_a_database_in_the_state_directory() {
    let config = toml_file(&root().join("runtime-config.toml"));
    let state_dir = config["state_dir"].as_str().expect("a state directory");
    let databases = config["sqlite_database"].as_table().expect("databases");
    let labels: BTreeSet<_> = components(&manifest()).flat_map(|(_, it)| strings(it.get("sqlite_databases"))).collect();
    assert_eq!(databases.keys().cloned().collect::<BTreeSet<_>>(), labels, "runtime-config.toml and spin.toml differ");
    for (label, database) in databases {
        assert_eq!(database["path"].as_str(), Some(format!("{state_dir}/{label}.db").as_str()));
    }
}

#[test]
fn links_are_dependencies_of_the_component_that_they_name() {
    for (id, component) in components(&manifest()) {
        let Some(links) =
            component.get("tool").and_then(|it| it["kobliat"].get("links")).and_then(toml::Value::as_table)
        else {
            continue;
        };
        for (import, target) in links {
            let target = target.as_str().expect("a component id");
            let composed = component["dependencies"][import.as_str()]["path"].as_str().expect("a dependency by path");
            let file = format!("/{}.wasm", target.replace('-', "_"));
            assert!(composed.ends_with(&file), "`{id}` links `{import}` to `{target}`, but composes `{composed}`");
        }
    }
}

#[test]
fn every_component_is_reachable_by_its_internal_host_name() {
    let manifest = manifest();
    let routed: BTreeSet<_> = manifest["trigger"]["http"]
        .as_array()
        .expect("HTTP triggers")
        .iter()
        .map(|trigger| trigger["component"].as_str().expect("a component id").to_owned())
        .collect();
    assert_eq!(routed, components(&manifest).map(|(id, _)| id.clone()).collect());
}
