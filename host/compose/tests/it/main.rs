//! Small components, composed and looked at from outside.

use kobliat_compose::{ComposeError, Dependency, compose, release, world};

/// Exports `name` with one function `lookup: func(id: u32) -> u32`, and imports `host:log/log` itself.
fn service(name: &str) -> Vec<u8> {
    wat(&format!(
        r#"(component
            (import "host:log/log@1.0.0" (instance $log (export "log" (func))))
            (core module $m (func (export "lookup") (param i32) (result i32) local.get 0))
            (core instance $i (instantiate $m))
            (func $lookup (param "id" u32) (result u32) (canon lift (core func $i "lookup")))
            (instance $api (export "lookup" (func $lookup)))
            (export "{name}" (instance $api)))"#
    ))
}

/// Imports each of `names` with that function, of which it says that it takes `parameter`, and exports `web:api/handler@1.0.0`.
fn caller(names: &[&str], parameter: &str) -> Vec<u8> {
    let import = |name: &&str| {
        format!(r#"(import "{name}" (instance (export "lookup" (func (param "id" {parameter}) (result u32)))))"#)
    };
    wat(&format!(
        r#"(component
            {}
            (core module $m (func (export "handle")))
            (core instance $i (instantiate $m))
            (func $handle (canon lift (core func $i "handle")))
            (instance $api (export "handle" (func $handle)))
            (export "web:api/handler@1.0.0" (instance $api)))"#,
        names.iter().map(import).collect::<String>()
    ))
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

fn by<'a>(key: &'a str, bytes: &'a [u8]) -> Dependency<'a> {
    Dependency { key, export: None, bytes }
}

fn failure(component: &[u8], dependencies: &[Dependency<'_>]) -> String {
    compose("web", component, dependencies).expect_err("must be refused").to_string()
}

#[test]
fn a_dependency_moves_inside_and_its_own_imports_stay_imports() {
    let (web, customer) = (caller(&["k:customers/customers@0.1.0"], "u32"), service("k:customers/customers@0.1.0"));
    let composed = compose("web", &web, &[by("k:customers/customers@0.1.0", &customer)]).unwrap();
    let world = world("the composition", &composed).unwrap();
    assert_eq!(world.imports, ["host:log/log@1.0.0"]);
    assert_eq!(world.exports, ["web:api/handler@1.0.0"]);
}

#[test]
fn every_form_of_key_finds_its_import() {
    let (web, customer) = (caller(&["k:customers/customers@0.1.0"], "u32"), service("k:customers/customers@0.1.0"));
    for key in ["k:customers", "k:customers@0.1.0", "k:customers/customers"] {
        let composed = compose("web", &web, &[by(key, &customer)]).unwrap();
        assert_eq!(world("it", &composed).unwrap().imports, ["host:log/log@1.0.0"], "{key}");
    }
}

#[test]
fn one_dependency_may_satisfy_a_whole_package_and_two_may_share_a_component() {
    let web = caller(&["k:customers/a@0.1.0", "k:customers/b@0.1.0"], "u32");
    let (a, b) = (service("k:customers/a@0.1.0"), service("k:customers/b@0.1.0"));
    let composed = compose("web", &web, &[by("k:customers/a", &a), by("k:customers/b", &b)]).unwrap();
    assert_eq!(world("it", &composed).unwrap().imports, ["host:log/log@1.0.0"]);
    let same = Dependency { key: "k:customers/b", export: Some("k:customers/a@0.1.0"), bytes: &a };
    assert!(compose("web", &web, &[by("k:customers/a", &a), same]).is_ok());
}

#[test]
fn a_newer_compatible_version_serves_an_older_import() {
    let (web, customer) = (caller(&["k:customers/customers@0.1.0"], "u32"), service("k:customers/customers@0.1.7"));
    assert!(compose("web", &web, &[by("k:customers/customers@0.1.0", &customer)]).is_ok());
    let next = service("k:customers/customers@0.2.0");
    assert_eq!(
        failure(&web, &[by("k:customers/customers@0.1.0", &next)]),
        "the dependency `k:customers/customers@0.1.0` of component `web` does not export `k:customers/customers@0.1.0`, which the \
         component imports; it exports `k:customers/customers@0.2.0`"
    );
}

#[test]
fn a_dependency_of_another_shape_is_named_with_the_function() {
    let (web, customer) = (caller(&["k:customers/customers@0.1.0"], "string"), service("k:customers/customers@0.1.0"));
    let said = failure(&web, &[by("k:customers/customers@0.1.0", &customer)]);
    for part in ["component `web`", "`k:customers/customers@0.1.0` in another shape", "lookup", "string", "u32"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

#[test]
fn a_key_that_the_component_does_not_import_is_refused() {
    let (web, customer) = (caller(&["k:customers/customers@0.1.0"], "u32"), service("k:customers/customers@0.1.0"));
    assert_eq!(
        failure(&web, &[by("k:customer", &customer)]),
        "component `web` does not import `k:customer`, which its dependencies name; it imports `k:customers/customers@0.1.0`"
    );
    let twice = compose("web", &web, &[by("k:customers", &customer), by("k:customers/customers", &customer)]);
    assert!(matches!(twice, Err(ComposeError::Conflict { .. })), "{twice:?}");
}

#[test]
fn what_is_no_component_is_refused_by_name() {
    let web = caller(&["k:customers/customers@0.1.0"], "u32");
    let module = wat("(module)");
    let whole = service("k:customers/customers@0.1.0");
    for broken in [b"no wasm".as_slice(), &module, whole.get(..whole.len() / 2).unwrap()] {
        let said = failure(&web, &[by("k:customers/customers@0.1.0", broken)]);
        assert!(said.starts_with("the dependency `k:customers/customers@0.1.0` of component `web` is no"), "{said}");
    }
}

#[test]
fn a_component_without_dependencies_stays_as_it_is() {
    let web = caller(&[], "u32");
    assert_eq!(compose("web", &web, &[]).unwrap(), web);
}

#[test]
fn a_component_of_the_draft_gets_the_names_of_the_release() {
    let draft = wat(r#"(component
            (import "wasi:http/types@0.3.0-rc-2026-03-15" (instance $types (export "now" (func))))
            (import "wasi:cli/stdout@0.2.6" (instance $stdout (export "now" (func))))
            (component $inner (import "wasi:http/types@0.3.0-rc-2026-03-15" (instance)))
            (instance $api (export "now" (func $types "now")))
            (export "wasi:http/handler@0.3.0-rc-2026-03-15" (instance $api))
            (export "wasi:http/other@0.3.0-rc-2026-01-06" (instance $stdout)))"#);
    let released = release(&draft);
    let found = world("it", &released).unwrap();
    assert_eq!(found.imports, ["wasi:http/types@0.3.0", "wasi:cli/stdout@0.2.6"]);
    assert_eq!(found.exports, ["wasi:http/handler@0.3.0", "wasi:http/other@0.3.0-rc-2026-01-06"]);
    assert!(released.windows(20).any(|bytes| bytes == b"@0.3.0-rc-2026-03-15"), "what is inside stays as it is");
    // What needs nothing is not even copied.
    assert!(matches!(release(&released), std::borrow::Cow::Borrowed(_)));
    assert_eq!(release(b"no wasm").as_ref(), b"no wasm");
}
