//! The locked application: what Spin makes of a manifest whose files are all named by digest. It comes from a stranger.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component as Part, Path, PathBuf};

/// What applications may ask of their host.
const REQUIREMENTS: [&str; 2] = ["local_service_chaining", "middleware"];
const UNDERSTOOD: [&str; 2] = ["host_requirements", "component_host_requirements"];

type Table = Map<String, Value>;

#[derive(Deserialize)]
pub struct LockedApp {
    spin_lock_version: u64,
    #[serde(default)]
    must_understand: Vec<String>,
    #[serde(default)]
    pub metadata: Table,
    #[serde(default)]
    host_requirements: Table,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    pub triggers: Vec<Trigger>,
    pub components: Vec<Component>,
}

#[derive(Deserialize)]
pub struct Variable {
    pub description: Option<String>,
    /// Without one the variable is required.
    pub default: Option<String>,
    #[serde(default)]
    pub secret: bool,
}

#[derive(Deserialize)]
pub struct Trigger {
    pub id: String,
    pub trigger_type: String,
    pub trigger_config: Value,
    #[serde(default)]
    pub trigger_dependencies: BTreeMap<String, Vec<Dependency>>,
}

#[derive(Deserialize)]
pub struct Component {
    pub id: String,
    #[serde(default)]
    pub metadata: Table,
    pub source: Content,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub files: Vec<File>,
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
    /// The layers in front of it, by their role, when they were not composed before the push.
    #[serde(default)]
    pub trigger_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    host_requirements: Table,
}

#[derive(Deserialize)]
pub struct Dependency {
    pub source: Content,
    pub export: Option<String>,
    #[serde(default)]
    pub inherit: Inherit,
}

#[derive(Deserialize)]
pub enum Inherit {
    All,
    Some(Vec<String>),
}

impl Default for Inherit {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

#[derive(Deserialize)]
pub struct Content {
    digest: Option<String>,
    /// In base64: what is too small for a layer.
    pub inline: Option<String>,
}

#[derive(Deserialize)]
pub struct File {
    #[serde(flatten)]
    pub content: Content,
    pub path: PathBuf,
}

impl LockedApp {
    pub fn read(value: Value) -> Result<Self, String> {
        let lock: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if lock.spin_lock_version > 1 {
            return Err(format!("its lock is of version {}, and this host knows 0 and 1", lock.spin_lock_version));
        }
        let unknown = lock.must_understand.iter().find(|part| !UNDERSTOOD.contains(&part.as_str()));
        if let Some(unknown) = unknown {
            return Err(format!("it has to be understood in its `{unknown}`, which this host does not know"));
        }
        let tables = lock.components.iter().map(|component| &component.host_requirements);
        let asked = tables.chain([&lock.host_requirements]).flatten().filter(|(_, need)| *need != "optional");
        if let Some((lacking, _)) = asked.into_iter().find(|(name, _)| !REQUIREMENTS.contains(&name.as_str())) {
            return Err(format!("it requires `{lacking}`, which this host does not have"));
        }
        Ok(lock)
    }

    /// All WebAssembly: by digest, and the file that it becomes.
    pub fn components(&self) -> Result<BTreeMap<&str, PathBuf>, String> {
        let own = self.components.iter().map(|component| &component.source);
        let parts = self.components.iter().flat_map(|component| component.dependencies.values());
        let layers = self.components.iter().flat_map(|component| component.trigger_dependencies.values().flatten());
        let others = self.triggers.iter().flat_map(|trigger| trigger.trigger_dependencies.values().flatten());
        let all = own.chain(parts.chain(layers).chain(others).map(|dependency| &dependency.source));
        all.map(|content| Ok((content.digest()?, content.wasm()?))).collect()
    }

    /// All other files, and where each is.
    pub fn files(&self) -> Result<Vec<(&Content, PathBuf)>, String> {
        let mut placed = BTreeSet::new();
        let mut files = Vec::new();
        for component in &self.components {
            for file in &component.files {
                let path = component.assets()?.join(inside(&file.path)?);
                // The last one counts, as where they are copied one after the other.
                if !placed.insert(path.clone()) {
                    files.retain(|(_, other)| *other != path);
                }
                files.push((&file.content, path));
            }
        }
        Ok(files)
    }
}

impl Component {
    /// The folder of its files.
    pub fn assets(&self) -> Result<PathBuf, String> {
        match self.id.contains('/') {
            true => Err(format!("`{}` is no id of a component", self.id)),
            false => Ok(Path::new("assets").join(inside(Path::new(&self.id))?)),
        }
    }
}

impl Content {
    pub fn digest(&self) -> Result<&str, String> {
        let digest = self.digest.as_deref().ok_or("something in it has no digest")?;
        let hex = digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64);
        match hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            true => Ok(digest),
            false => Err(format!("`{digest}` is no digest")),
        }
    }

    pub fn wasm(&self) -> Result<PathBuf, String> {
        Ok(format!("wasm/{}.wasm", self.digest()?.trim_start_matches("sha256:")).into())
    }
}

pub fn decode(inline: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(inline).map_err(|error| format!("a file in it is no base64: {error}"))
}

/// A path that leads nowhere else.
fn inside(path: &Path) -> Result<&Path, String> {
    let is_inside = path.components().all(|part| matches!(part, Part::Normal(_))) && path.components().next().is_some();
    if is_inside { Ok(path) } else { Err(format!("`{}` is no place for a file", path.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lock(change: impl FnOnce(&mut Value)) -> Result<LockedApp, String> {
        let mut value = json!({ "spin_lock_version": 1, "triggers": [], "components": [
            { "id": "web", "source": { "content_type": "application/wasm", "digest": format!("sha256:{}", "0".repeat(64)) } },
        ] });
        change(&mut value);
        LockedApp::read(value)
    }

    #[test]
    fn what_has_to_be_understood_is_or_the_application_is_refused() {
        assert!(lock(|_| ()).is_ok());
        assert!(lock(|app| app["host_requirements"] = json!({ "middleware": "required", "x": "optional" })).is_ok());
        let refused = |change: fn(&mut Value)| lock(change).err().unwrap();
        assert!(refused(|app| app["spin_lock_version"] = json!(2)).contains("version 2"));
        assert!(refused(|app| app["must_understand"] = json!(["telepathy"])).contains("`telepathy`"));
        assert!(refused(|app| app["host_requirements"] = json!({ "gpu": "required" })).contains("`gpu`"));
        assert!(
            refused(|app| app["components"][0]["host_requirements"] = json!({ "gpu": "required" })).contains("`gpu`")
        );
    }

    #[test]
    fn no_file_lies_elsewhere() {
        let placed = |id: &str, path: &str| {
            let files = json!([{ "inline": "", "path": path }]);
            let app =
                lock(|app| (app["components"][0]["files"], app["components"][0]["id"]) = (files, json!(id))).unwrap();
            app.files().map(|files| files[0].1.clone())
        };
        assert_eq!(placed("web", "a/b.txt").unwrap(), Path::new("assets/web/a/b.txt"));
        for (id, path) in
            [("web", "/etc/passwd"), ("web", "../x"), ("web", "a/../../x"), ("web", ""), ("..", "x"), ("a/b", "x")]
        {
            assert!(placed(id, path).is_err(), "{id} {path}");
        }
    }

    #[test]
    fn a_digest_is_one() {
        for bad in ["", "sha256:", "sha256:../../x", &format!("sha256:{}", "g".repeat(64))] {
            let app = lock(|app| app["components"][0]["source"]["digest"] = json!(bad)).unwrap();
            assert!(app.components().is_err(), "{bad}");
        }
        let app = lock(|app| app["components"][0]["source"] = json!({ "inline": "AA==" })).unwrap();
        assert!(app.components().is_err());
    }
}
