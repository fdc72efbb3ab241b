//! Who may open what, and how many.

use std::collections::HashMap;

use super::*;
use crate::DatabaseConfig;

struct Fixture {
    databases: Databases,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let config =
        |label: &str| (label.to_owned(), DatabaseConfig { path: directory.path().join(format!("{label}.db")) });
    let configs = HashMap::from([config("mine"), config("other")]);
    let databases = Databases::default();
    databases.open(configs, &HashMap::new()).unwrap();
    Fixture { databases, _directory: directory }
}

fn instance(fixture: &Fixture, labels: &[&str]) -> Instance {
    let labels: Vec<_> = labels.iter().map(|label| (*label).to_owned()).collect();
    Instance::new(grant("probe", &labels, &fixture.databases), Allowance::new(1 << 20), false)
}

#[test]
fn a_component_opens_its_own_labels_only() {
    let fixture = fixture();
    let (mut instance, mut table) = (instance(&fixture, &["mine"]), ResourceTable::new());
    let mut view = InstanceView { instance: &mut instance, table: &mut table, trace: Trace::default() };
    assert!(view.open("mine").unwrap().is_ok());
    assert!(matches!(view.open("other").unwrap(), Err(Error::AccessDenied)));
    assert!(matches!(view.open("nowhere").unwrap(), Err(Error::NoSuchDatabase)));
    assert!(matches!(view.open("MINE").unwrap(), Err(Error::NoSuchDatabase)), "labels are exact");
}

#[test]
fn a_component_without_a_grant_opens_nothing() {
    let fixture = fixture();
    let (mut instance, mut table) = (instance(&fixture, &[]), ResourceTable::new());
    let mut view = InstanceView { instance: &mut instance, table: &mut table, trace: Trace::default() };
    assert!(matches!(view.open("mine").unwrap(), Err(Error::AccessDenied)));
}

#[test]
fn connections_are_bounded_and_a_dropped_one_makes_room() {
    let fixture = fixture();
    let (mut instance, mut table) = (instance(&fixture, &["mine"]), ResourceTable::new());
    let mut view = InstanceView { instance: &mut instance, table: &mut table, trace: Trace::default() };
    let first = view.open("mine").unwrap().unwrap();
    for _ in 1..MAX_CONNECTIONS {
        view.open("mine").unwrap().unwrap();
    }
    assert!(matches!(view.open("mine").unwrap(), Err(Error::Io(why)) if why.contains("256")));
    view.close(first).unwrap();
    assert!(view.open("mine").unwrap().is_ok());
}
