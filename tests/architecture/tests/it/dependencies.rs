//! Who may depend on whom.

use kobliat_architecture::{Crate, crates_in};

/// How high a host crate stands. A crate depends only on lower ones, so factors and triggers do not know each other.
fn height(package: &str) -> i8 {
    match package {
        "kobliat" => 5,
        "kobliat-runtime" => 4,
        // A backend depends on its factor.
        _ if package.starts_with("kobliat-key-value-") => 3,
        "kobliat-engine" | "kobliat-outbound-networking" | "kobliat-watch" => 1,
        "kobliat-private-files" => -1,
        "kobliat-manifest" | "kobliat-sqlite" | "kobliat-compose" | "kobliat-build" => 0,
        "kobliat-admin" | "kobliat-telemetry" | "kobliat-registry" => 0,
        _ if ["kobliat-trigger-", "kobliat-factor-"].iter().any(|kind| package.starts_with(kind)) => 2,
        "kobliat-links" | "kobliat-events" => 2,
        _ => panic!("say in tests/architecture how high the host crate `{package}` stands"),
    }
}

fn names(crates: &[Crate]) -> Vec<&str> {
    crates.iter().map(|it| it.package.as_str()).collect()
}

fn all_dependencies(it: &Crate) -> impl Iterator<Item = &String> {
    it.dependencies.iter().chain(&it.dev_dependencies)
}

#[test]
fn host_crates_depend_downwards_only() {
    let host = crates_in("host");
    let names = names(&host);
    assert!(names.contains(&"kobliat-runtime"), "the host's crates were not found");
    for it in &host {
        for dependency in it.dependencies.iter().filter(|dependency| names.contains(&dependency.as_str())) {
            assert!(
                height(&it.package) > height(dependency),
                "`{}` must not depend on `{dependency}`: cli → runtime → triggers, links, factors → engine → manifest, sqlite",
                it.package
            );
        }
    }
}

#[test]
fn host_and_components_never_depend_on_each_other() {
    let (host, components) = (crates_in("host"), crates_in("components"));
    for (side, other) in [(&host, &components), (&components, &host)] {
        let forbidden = names(other);
        for it in side {
            for dependency in all_dependencies(it) {
                assert!(
                    !forbidden.contains(&dependency.as_str()),
                    "`{}` must not depend on `{dependency}`",
                    it.package
                );
            }
        }
    }
}

#[test]
fn a_component_never_depends_on_another_component() {
    let components = crates_in("components");
    let guests: Vec<_> = components.iter().filter(|it| it.is_guest).map(|it| it.package.clone()).collect();
    assert!(!guests.is_empty(), "no component was found");
    for it in &components {
        for dependency in all_dependencies(it) {
            assert!(!guests.contains(dependency), "`{}` must not depend on `{dependency}`: call it", it.package);
        }
    }
}

#[test]
fn test_components_stand_alone() {
    let ours: Vec<_> = ["host", "components"]
        .into_iter()
        .flat_map(crates_in)
        .map(|it| it.package)
        .filter(|it| it != "kobliat-sdk")
        .collect();
    for it in crates_in("tests/test-components") {
        for dependency in all_dependencies(&it) {
            assert!(
                !ours.contains(dependency),
                "the test component `{}` must not depend on `{dependency}`",
                it.package
            );
        }
    }
}
