//! What good manifests mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kobliat_manifest::*;

fn load(name: &str) -> Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good").join(name);
    Manifest::load(path).unwrap_or_else(|errors| panic!("{errors}"))
}

fn maximal() -> Manifest {
    load("maximal.toml")
}

fn texts(templates: &[Template]) -> Vec<String> {
    templates.iter().map(ToString::to_string).collect()
}

#[test]
fn a_minimal_manifest_has_all_defaults() {
    let manifest = load("minimal.toml");
    let web = &manifest.components["web"];
    assert_eq!(web.source, ComponentSource::Path("web.wasm".into()));
    assert_eq!(web.kobliat.limits, Limits::default());
    assert_eq!(web.kobliat.tick, None);
    assert_eq!(manifest.http_triggers[0].id, "web-http-trigger");
    assert!(manifest.dir.ends_with("tests/good"));
}

#[test]
fn a_folder_stands_for_its_spin_toml() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(load("minimal.toml").path, folder.path().join("spin.toml")).unwrap();
    assert_eq!(Manifest::load(folder.path()).unwrap().dir, folder.path());
    assert_eq!(Manifest::parse(&minimal_text(), "spin.toml").unwrap().dir, PathBuf::from("."));
}

#[test]
fn a_manifest_of_version_1_is_the_same_application() {
    let manifest = load("version-1.toml");
    let hello = &manifest.components["hello-world"];
    assert_eq!(
        texts(&hello.allowed_outbound_hosts),
        ["http://example.com", "https://example.com", "http://self", "https://self"]
    );
    assert_eq!(
        (hello.variables["token"].to_string().as_str(), hello.environment["LANG"].as_str()),
        ("{{ token }}", "en")
    );
    assert_eq!((hello.key_value_stores.len(), hello.exclude_files.len(), hello.build.is_some()), (1, 1, true));
    assert!(matches!(manifest.components["other"].source, ComponentSource::Url { .. }));
    let routes: Vec<_> = manifest.http_triggers.iter().map(|trigger| trigger.id.as_str()).collect();
    assert_eq!(routes, ["trigger-hello-world", "trigger-other"]);
    assert_eq!((manifest.application.name.as_str(), manifest.application.version.as_deref()), ("old", Some("1.0.0")));
    assert!(manifest.variables["token"].default.is_none());
}

fn minimal_text() -> String {
    std::fs::read_to_string(load("minimal.toml").path).unwrap()
}

#[test]
fn application_details_and_our_tool_table() {
    let application = maximal().application;
    assert_eq!((application.name.as_str(), application.version.as_deref()), ("maximal", Some("9.9.9")));
    assert_eq!(application.targets.len(), 3);
    assert_eq!(application.redis_address.unwrap().to_string(), "redis://{{ redis_host }}:6379");
    assert_eq!(application.kobliat.generate_secrets, ["api_token"]);
    assert_eq!(application.kobliat.variables["event_sink"], "http://events.kobliat.internal/");
}

#[test]
fn triggers_keep_their_order_and_get_ids() {
    let manifest = maximal();
    let ids: Vec<_> = manifest.http_triggers.iter().map(|trigger| trigger.id.as_str()).collect();
    assert_eq!(
        ids,
        ["everything-else", "everything-http-trigger", "http-trigger1", "http-trigger2", "plain-http-trigger"]
    );
    let ids: Vec<_> = manifest.redis_triggers.iter().map(|trigger| trigger.id.as_str()).collect();
    assert_eq!(ids, ["plain-redis-trigger", "redis-trigger1"]);
}

#[test]
fn http_triggers_say_where_and_who() {
    let triggers = maximal().http_triggers;
    assert_eq!(triggers[0].middleware.len(), 4);
    assert_eq!(triggers[0].middleware[3].inherit_configuration, Inherit::Everything);
    assert_eq!(triggers[1].route, HttpRoute::Private);
    let HttpTarget::Static(answer) = &triggers[2].target else { panic!("{:?}", triggers[2]) };
    assert_eq!((answer.status_code, answer.headers["location"].as_str()), (302, "/api/v1"));
    let HttpTarget::Component { id, executor } = &triggers[3].target else { panic!("{:?}", triggers[3]) };
    assert_eq!(id, "http-trigger2-component");
    assert_eq!(*executor, Executor::Wagi { argv: "${SCRIPT_NAME}".into(), entrypoint: "main".into() });
}

#[test]
fn components_written_inside_triggers_are_components() {
    let manifest = maximal();
    let ids: Vec<_> = manifest.components.keys().map(String::as_str).collect();
    assert_eq!(
        ids,
        ["everything", "http-trigger2-component", "inheriting", "inline-component1", "inline-component2", "plain"]
    );
    assert_eq!(manifest.components["inline-component2"].source, ComponentSource::Path("right.wasm".into()));
}

#[test]
fn a_component_has_all_that_it_lists() {
    let component = &maximal().components["everything"];
    let hosts = texts(&component.allowed_outbound_hosts);
    assert!(hosts.contains(&"{{ event_sink }}".to_owned()));
    assert!(hosts.contains(&"http://example.org".to_owned()) && hosts.contains(&"https://example.org".to_owned()));
    assert_eq!(component.build.as_ref().unwrap().command, ["cargo build", "wasm-opt"]);
    assert_eq!(component.files.len(), 2);
    assert_eq!(component.profiles["debug"].environment["LEVEL"], "debug");
    assert_eq!(component.variables["token"].variables().collect::<Vec<_>>(), ["api_token"]);
}

#[test]
fn dependencies_of_every_kind() {
    let manifest = maximal();
    let dependencies = &manifest.components["everything"].dependencies;
    let of = |key: &str| dependencies.iter().find(|dependency| dependency.key == key).unwrap();
    assert_eq!(of("ns:plain/calls@0.1.0").kind, DependencyKind::Path("plain.wasm".into()));
    assert_eq!(of("ns:plain/calls@0.1.0").inherit_configuration, Inherit::Only([Capability::SqliteDatabases].into()));
    assert_eq!(of("my-logger").kind, DependencyKind::Component("plain".into()));
    assert_eq!(of("my-logger").export.as_deref(), Some("log"));
    assert!(matches!(&of("a:b").kind, DependencyKind::Registry { package: None, .. }));
    assert_eq!(of("c:d/e").inherit_configuration, Inherit::Nothing);
    assert!(matches!(&of("f:g@2.0.0").kind, DependencyKind::Url { .. }));
    let inheriting = &manifest.components["inheriting"];
    assert_eq!(inheriting.dependencies[0].inherit_configuration, Inherit::Everything);
}

#[test]
fn own_narrows_what_is_listed() {
    let manifest = maximal();
    let own = &manifest.components["everything"].kobliat.own;
    assert_eq!(own.sqlite_databases, ["everything"]);
    assert_eq!(own.key_value_stores, ["sessions"]);
    assert_eq!(texts(&own.allowed_outbound_hosts), ["https://example.com", "{{ event_sink }}"]);
    assert_eq!(own.variables, ["token".to_owned()].into());
    assert_eq!(own.environment, ["LEVEL".to_owned()].into());
    assert!(own.ai_models.is_empty());
    let text = minimal_text() + "sqlite_databases = [\"web\", \"other\"]\ntool.kobliat.own.key_value_stores = []\n";
    let manifest = Manifest::parse(&text, "spin.toml").unwrap();
    assert_eq!(manifest.components["web"].kobliat.own.sqlite_databases, ["web", "other"], "left out means all");
}

#[test]
fn limits_ticks_and_subscriptions() {
    let tool = &maximal().components["everything"].kobliat;
    let limits = Limits {
        body_bytes: None,
        buffer_bytes: None,
        idle: Duration::from_secs(10),
        memory_bytes: 128 << 20,
        cpu: Duration::from_millis(500),
        timeout: Duration::from_secs(60),
        concurrency: 1,
        reuse: 100,
        instances: 4,
        queue: 0,
        least: Least::default(),
    };
    assert_eq!(tool.limits, limits);
    assert_eq!(tool.tick, Some(Duration::from_secs(5)));
    assert!(tool.subscribe[0].pattern.matches("com.kobliat.message.received.v1"));
    assert_eq!(tool.subscribe[0].retry, None);
    assert_eq!(tool.subscribe[1].retry, Some(vec![Duration::from_millis(500), Duration::from_secs(60)]));
    assert!(tool.admin);
    assert_eq!(tool.private_networks.as_ref().unwrap().to_string(), "{{ event_sink }}");
    assert_eq!(tool.links["ns:plain/calls@0.1.0"], "plain");
}

#[test]
fn an_application_says_what_its_components_begin_with() {
    let text = "spin_manifest_version = 2\n[application]\nname = \"a\"\n[application.tool.kobliat]\n\
        limits = { cpu_ms = 250, wall_ms = 2000, queue = 3, body = \"1MiB\", buffer = \"4KiB\" }\n\
        reuse = { requests = 50, concurrent = 4, idle_ms = 1500 }\n\
        [[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\n[component.one]\nsource = \"one.wasm\"\n\
        [component.one.tool.kobliat]\nlimits = { queue = 7 }\nreuse = { concurrent = 1 }\n";
    let manifest = Manifest::parse(text, "spin.toml").unwrap();
    let limits = Limits {
        cpu: Duration::from_millis(250),
        timeout: Duration::from_secs(2),
        queue: 3,
        body_bytes: Some(1 << 20),
        buffer_bytes: Some(4096),
        reuse: 50,
        concurrency: 4,
        idle: Duration::from_millis(1500),
        ..Limits::default()
    };
    assert_eq!(manifest.application.kobliat.limits, limits);
    let own = Limits { queue: 7, concurrency: 1, ..limits };
    assert_eq!(manifest.components["one"].kobliat.limits, own);
}

#[test]
fn a_limit_has_one_name_at_a_time() {
    for tool in ["limits = { cpu = \"1s\", cpu_ms = 1000 }", "limits = { reuse = 5 }\nreuse = { requests = 5 }"] {
        let text = minimal_text() + &format!("[component.web.tool.kobliat]\n{tool}\n");
        let error = Manifest::parse(&text, "spin.toml").unwrap_err().to_string();
        assert!(error.contains("are the same; remove one"), "{error}");
    }
}
