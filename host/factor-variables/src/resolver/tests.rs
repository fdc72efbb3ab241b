//! Who wins, what is made, and what stops the start.

use std::fs;

use super::*;
use crate::provider::Provider;

const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "test"
[application.tool.kobliat]
variables = { sink = "from the manifest" }
generate_secrets = ["key"]
[variables]
key = { required = true, secret = true }
sink = { default = "default" }
host = { default = "example.com" }
[trigger]
[component.web]
source = "web.wasm"
variables = { url = "https://{{ host }}/{{sink}}", token = "{{ key }}" }
"#;

struct Fixture {
    state: tempfile::TempDir,
    manifest: Manifest,
    sources: Sources,
}

fn fixture() -> Fixture {
    fixture_of(MANIFEST)
}

fn fixture_of(text: &str) -> Fixture {
    let state = tempfile::tempdir().unwrap();
    let sources = Sources { working_dir: state.path().to_owned(), ..Sources::default() };
    Fixture { state, manifest: Manifest::parse(text, "spin.toml").unwrap(), sources }
}

impl Fixture {
    fn resolve(&self) -> Result<Resolver, Error> {
        Resolver::new(&self.manifest, &self.sources, &self.secrets())
    }

    fn secrets(&self) -> SecretsFile {
        SecretsFile::in_state_dir(self.state.path())
    }

    fn url(&self) -> String {
        self.resolve().unwrap().get("web", "url").unwrap().to_owned()
    }

    fn refusal(&self) -> String {
        self.resolve().err().unwrap().to_string()
    }
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn each_source_beats_those_after_it() {
    let mut fixture = fixture();
    assert_eq!(fixture.url(), "https://example.com/from the manifest");
    fs::write(fixture.state.path().join(".env"), "SPIN_VARIABLE_SINK=dotenv\n").unwrap();
    assert_eq!(fixture.url(), "https://example.com/dotenv");
    fixture.sources.environment = values(&[("SPIN_VARIABLE_SINK", "environment"), ("MINE_SINK", "prefixed")]);
    assert_eq!(fixture.url(), "https://example.com/environment");
    fixture.sources.providers.push(Provider::Env { prefix: Some("MINE".into()), dotenv_path: None });
    assert_eq!(fixture.url(), "https://example.com/prefixed");
    fixture.sources.providers.insert(0, Provider::Static { values: values(&[("sink", "static")]) });
    assert_eq!(fixture.url(), "https://example.com/static");
    fixture.sources.cli = values(&[("sink", "cli"), ("host", "")]);
    assert_eq!(fixture.url(), "https:///cli");
}

#[test]
fn a_provider_reads_its_own_file() {
    let mut fixture = fixture();
    let path = fixture.state.path().join("mine.env");
    fixture.sources.providers.push(Provider::Env { prefix: None, dotenv_path: Some(path.clone()) });
    assert!(fixture.refusal().contains("mine.env"));
    fs::write(&path, "SPIN_VARIABLE_SINK='mine'").unwrap();
    assert_eq!(fixture.url(), "https://example.com/mine");
    fs::write(&path, "\n???").unwrap();
    assert!(fixture.refusal().ends_with("line 2 is not `KEY=value`"));
}

#[test]
fn a_secret_is_made_once() {
    let fixture = fixture();
    let first = fixture.resolve().unwrap();
    let second = fixture.resolve().unwrap();
    assert_eq!(first.generated(), ["key"]);
    assert!(second.generated().is_empty());
    assert_eq!(first.get("web", "token").map(str::len), Some(64));
    assert_eq!(first.get("web", "token"), second.get("web", "token"));
}

#[test]
fn a_secret_that_somebody_sets_is_not_made() {
    let mut fixture = fixture();
    fixture.sources.cli = values(&[("key", "mine")]);
    assert_eq!(fixture.resolve().unwrap().get("web", "token"), Some("mine"));
    assert!(!fixture.secrets().path().exists());
}

#[test]
fn an_empty_secret_is_none() {
    let mut fixture = fixture();
    fixture.sources.environment = values(&[("SPIN_VARIABLE_KEY", "")]);
    let made = fixture.resolve().unwrap();
    assert_eq!(made.get("web", "token").map(str::len), Some(64));
    let blanked = fs::read_to_string(fixture.secrets().path()).unwrap().replace(made.get("web", "token").unwrap(), "");
    fs::write(fixture.secrets().path(), blanked).unwrap();
    assert_eq!(fixture.resolve().unwrap().generated(), ["key"]);
}

#[test]
fn every_missing_variable_is_named_with_the_ways_to_set_it() {
    let text = MANIFEST
        .replace("generate_secrets = [\"key\"]", "")
        .replace("[trigger]", "other = { required = true }\n[trigger]");
    let refusal = fixture_of(&text).refusal();
    for expected in ["key: `--variable key=…`", "SPIN_VARIABLE_OTHER", "[[variables_provider]]"] {
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert!(!refusal.contains("host:"), "it has a default: {refusal}");
}

#[test]
fn a_start_that_fails_makes_no_secrets() {
    let fixture = fixture_of(&MANIFEST.replace("[trigger]", "other = { required = true }\n[trigger]"));
    assert!(fixture.refusal().contains("other: "));
    assert!(!fixture.secrets().path().exists());
}

#[test]
fn a_mistyped_variable_on_the_command_line_is_refused() {
    let mut fixture = fixture();
    fixture.sources.cli = values(&[("sinc", "x")]);
    assert!(fixture.refusal().contains("`--variable sinc=…`"));
}

#[test]
fn a_component_sees_its_own_variables_only() {
    let resolver = fixture().resolve().unwrap();
    assert_eq!(resolver.component("web").keys().collect::<Vec<_>>(), ["token", "url"]);
    assert!(resolver.component("other").is_empty());
    assert_eq!(resolver.get("web", "host"), None);
}

#[test]
fn allow_lists_are_expanded_and_their_secrets_kept() {
    let mut fixture = fixture();
    fixture.sources.cli = values(&[("host", "not a host"), ("key", "hunter2 !")]);
    let resolver = fixture.resolve().unwrap();
    let list = |text: &str| resolver.allowed_hosts(&[Template::parse(text).unwrap()]);
    assert!(list("https://{{ host }}").unwrap_err().contains("`https://{{ host }}` in allowed_outbound_hosts: "));
    let error = list("https://{{ key }}").unwrap_err();
    assert!(error.contains("{{ key }}") && !error.contains("hunter2"), "{error}");
    assert!(list("https://example.com").unwrap().allows("https", "example.com", 443));
}
