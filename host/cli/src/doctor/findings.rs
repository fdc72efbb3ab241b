//! What can be wrong with an application that is read correctly.

use super::remedy::Remedy;
use kobliat_manifest::{ComponentSource, HttpTarget, Manifest};
use kobliat_runtime::RuntimeConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub wrong: String,
    pub fix: String,
    /// The application does not start with it.
    pub fatal: bool,
    /// What `--fix` does about it.
    pub remedy: Option<Remedy>,
}

impl Finding {
    pub fn fatal(wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), fix: fix.into(), fatal: true, remedy: None }
    }

    fn with(self, remedy: Option<Remedy>) -> Self {
        Self { remedy, ..self }
    }

    fn advice(wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), fix: fix.into(), fatal: false, remedy: None }
    }
}

/// `exists` is asked for paths as the manifest writes them.
pub fn of_manifest(manifest: &Manifest, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let used = used(manifest);
    let mut findings = Vec::new();
    for (id, component) in &manifest.components {
        if !used.contains(id.as_str()) {
            let fix = format!("add a [[trigger.http]] with `component = \"{id}\"`, or remove [component.{id}]");
            findings.push(Finding::advice(format!("component `{id}` is used by no trigger, link or dependency"), fix));
        }
        if let ComponentSource::Path(path) = &component.source
            && used.contains(id.as_str())
            && !exists(path)
        {
            let fix = match component.build {
                Some(_) => format!("`kobliat build -c {id}`"),
                None => format!("put it there, or add `build = {{ command = \"…\" }}` to [component.{id}]"),
            };
            let wrong = format!("component `{id}` is not built: `{}` is missing", path.display());
            let remedy = component.build.as_ref().map(|_| Remedy::Build(id.clone()));
            findings.push(Finding::fatal(wrong, fix).with(remedy));
        }
    }
    findings.extend(unused_variables(manifest));
    findings
}

fn used(manifest: &Manifest) -> BTreeSet<&str> {
    let served = manifest.http_triggers.iter().filter_map(|trigger| match &trigger.target {
        HttpTarget::Component { id, .. } => Some(id.as_str()),
        HttpTarget::Static(_) => None,
    });
    let components = || manifest.components.values();
    let linked = components().flat_map(|component| component.kobliat.links.values().map(String::as_str));
    let composed = components().flat_map(|component| &component.dependencies).filter_map(|one| match &one.kind {
        kobliat_manifest::DependencyKind::Component(id) => Some(id.as_str()),
        _ => None,
    });
    let redis = manifest.redis_triggers.iter().map(|trigger| trigger.component.as_str());
    served.chain(linked).chain(composed).chain(redis).collect()
}

fn unused_variables(manifest: &Manifest) -> Vec<Finding> {
    let components = manifest.components.values();
    let templates = components.flat_map(|one| one.variables.values().chain(&one.allowed_outbound_hosts));
    let read: BTreeSet<&str> = templates.flat_map(|template| template.variables()).collect();
    let unread = manifest.variables.keys().filter(|name| !read.contains(name.as_str()));
    let finding = |name: &String| {
        let fix = format!("give it to a component, `variables = {{ {name} = \"{{{{ {name} }}}}\" }}`, or remove it");
        Finding::advice(format!("the variable `{name}` is declared and read by no component"), fix)
    };
    unread.map(finding).collect()
}

/// Labels of one side that the other does not know.
pub fn of_runtime_config(manifest: &Manifest, config: &RuntimeConfig) -> Vec<Finding> {
    let nowhere = Path::new("");
    let components = || manifest.components.values();
    let stores = components().flat_map(|component| component.key_value_stores.iter().cloned()).collect();
    let databases = components().flat_map(|component| component.sqlite_databases.iter().cloned()).collect();
    let mut findings = labels("key_value_store", &stores, &config.key_value_stores(nowhere));
    findings.extend(labels("sqlite_database", &databases, &config.sqlite_databases(nowhere)));
    findings
}

fn labels(table: &str, listed: &BTreeSet<String>, configured: &BTreeMap<String, PathBuf>) -> Vec<Finding> {
    let missing = listed.iter().filter(|label| !configured.contains_key(*label)).map(|label| {
        let fix = format!("add [{table}.{label}] with `type = \"spin\"` to runtime-config.toml");
        let remedy = Remedy::Label { table: table.to_owned(), label: label.clone() };
        Finding::fatal(format!("the label `{label}` is listed in spin.toml and not configured"), fix).with(Some(remedy))
    });
    // Every runtime config has `default`, whether it says so or not.
    let unused = configured.keys().filter(|label| *label != "default" && !listed.contains(*label)).map(|label| {
        let fix = format!("remove [{table}.{label}] from runtime-config.toml, or list `{label}` in a component");
        Finding::advice(format!("the label `{label}` is configured and listed by no component"), fix)
    });
    missing.chain(unused).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        spin_manifest_version = 2
        application = { name = "a" }
        [variables]
        used = { default = "1" }
        unused = { default = "2" }
        [[trigger.http]]
        route = "/..."
        component = "web"
        [component.web]
        source = "web.wasm"
        variables = { used = "{{ used }}" }
        key_value_stores = ["default", "sessions"]
        build = { command = "make" }
        [component.idle]
        source = "idle.wasm"
    "#;

    fn wrongs(findings: &[Finding]) -> Vec<(&str, bool)> {
        findings.iter().map(|finding| (finding.wrong.as_str(), finding.fatal)).collect()
    }

    #[test]
    fn what_is_missing_is_fatal_and_what_is_idle_is_advice() {
        let manifest = Manifest::parse(TEXT, "spin.toml").unwrap();
        let findings = of_manifest(&manifest, |_| false);
        assert_eq!(
            wrongs(&findings),
            [
                ("component `idle` is used by no trigger, link or dependency", false),
                ("component `web` is not built: `web.wasm` is missing", true),
                ("the variable `unused` is declared and read by no component", false),
            ]
        );
        assert_eq!(findings[1].fix, "`kobliat build -c web`");
        assert_eq!(of_manifest(&manifest, |_| true).len(), 2);
    }

    #[test]
    fn labels_must_be_known_on_both_sides() {
        let manifest = Manifest::parse(TEXT, "spin.toml").unwrap();
        let config = RuntimeConfig::parse("[sqlite_database.old]\ntype = \"spin\"\n", Path::new("")).unwrap();
        assert_eq!(
            wrongs(&of_runtime_config(&manifest, &config)),
            [
                ("the label `sessions` is listed in spin.toml and not configured", true),
                ("the label `old` is configured and listed by no component", false),
            ]
        );
    }
}
