//! Which files belong to what: sources of a component by `[component.x.build] watch`, its built file, the manifest.

use glob::{MatchOptions, Pattern};
use kobliat_manifest::{Component, ComponentSource, Manifest};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Like a shell's: `*` stays within a folder.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// What a saved file means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// The manifest or the deployment's configuration is another.
    Manifest,
    /// A source of this component.
    Build(String),
    /// This component was built, by us or by somebody else.
    Swap(String),
}

pub struct Rules {
    rules: Vec<Rule>,
    /// What somebody may wonder about.
    pub notes: Vec<String>,
}

struct Rule {
    meaning: Meaning,
    pattern: Pattern,
    /// Where its files are, and whether below that, too.
    folder: PathBuf,
    deep: bool,
}

impl Rules {
    pub fn nothing() -> Self {
        Self { rules: Vec::new(), notes: Vec::new() }
    }

    pub fn of(manifest: &Manifest, runtime_config: Option<&Path>) -> Self {
        let dir = manifest.dir.canonicalize().unwrap_or_else(|_| manifest.dir.clone());
        let config = runtime_config.map_or_else(|| dir.join("runtime-config.toml"), Path::to_path_buf);
        let platform = config.parent().unwrap_or(&dir).join("kobliat.toml");
        let name = manifest.path.file_name().unwrap_or("spin.toml".as_ref());
        let mut rules = Self::nothing();
        for file in [&dir.join(name), &config, &platform] {
            rules.add(Meaning::Manifest, file);
        }
        for component in manifest.components.values() {
            rules.add_component(component, &dir);
        }
        rules
    }

    fn add_component(&mut self, component: &Component, dir: &Path) {
        let id = || component.id.clone();
        if let ComponentSource::Path(file) = &component.source {
            self.add(Meaning::Swap(id()), &dir.join(file));
        }
        let Some(build) = &component.build else { return };
        if build.watch.is_empty() {
            self.notes.push(format!(
                "[component.{0}.build] has no `watch`, so component `{0}` is not built when it is saved; write like `watch = [\"src/**/*.rs\"]`",
                component.id
            ));
        }
        let workdir = build.workdir.as_ref().map_or_else(|| dir.to_path_buf(), |workdir| dir.join(workdir));
        for pattern in &build.watch {
            self.add(Meaning::Build(id()), &workdir.join(pattern));
        }
    }

    /// The folder of a pattern is the part before its first wildcard.
    fn add(&mut self, meaning: Meaning, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let is_plain = |part: &std::path::Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
        let parts: Vec<_> = path.components().collect();
        let plain = parts.iter().take_while(|part| is_plain(part)).count().min(parts.len().saturating_sub(1));
        let folder: PathBuf = parts.iter().take(plain).collect();
        let rest: PathBuf = parts.iter().skip(plain).collect();
        let Ok(folder) = folder.canonicalize() else {
            // What is only optional need not be there, nor a folder that the first build makes.
            if let Meaning::Build(id) = &meaning {
                self.notes.push(format!("`{}`, which component `{id}` watches, is not there", folder.display()));
            }
            return;
        };
        let text = format!("{}/{}", Pattern::escape(&folder.to_string_lossy()), rest.to_string_lossy());
        match Pattern::new(&text) {
            Ok(pattern) => self.rules.push(Rule { meaning, pattern, folder, deep: plain + 1 < parts.len() }),
            Err(error) => self.notes.push(format!("`{}` is no pattern: {error}", rest.display())),
        }
    }

    /// The folders to look at, and whether below them, too.
    pub fn folders(&self) -> BTreeSet<(PathBuf, bool)> {
        self.rules.iter().map(|rule| (rule.folder.clone(), rule.deep)).collect()
    }

    /// What it means that this file was saved.
    pub fn meanings<'r>(&'r self, file: &'r Path) -> impl Iterator<Item = &'r Meaning> {
        let fits = |rule: &&Rule| rule.pattern.matches_path_with(file, MATCHING);
        self.rules.iter().filter(fits).map(|rule| &rule.meaning)
    }

    /// The files that are there now.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let found = self.rules.iter().filter_map(|rule| glob::glob_with(rule.pattern.as_str(), MATCHING).ok());
        found.flatten().flatten().filter(|path| path.is_file()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(dir: &Path) -> Manifest {
        for file in ["one/src/deep/a.rs", "one/migrations/1.sql", "shared/b.rs", "target/one.wasm", "spin.toml"] {
            let file = dir.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let text = r#"
            spin_manifest_version = 2
            application = { name = "a" }
            [[trigger.http]]
            route = "/..."
            component = "one"
            [component.one]
            source = "target/one.wasm"
            [component.one.build]
            command = "make"
            workdir = "one"
            watch = ["src/**/*.rs", "migrations/*.sql", "../shared/*.rs"]
        "#;
        Manifest::parse(text, dir.join("spin.toml")).unwrap()
    }

    #[test]
    fn a_file_is_known_by_what_it_is_for() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = application(dir.path());
        let rules = Rules::of(&manifest, None);
        let root = dir.path().canonicalize().unwrap();
        let meanings = |file: &str| rules.meanings(&root.join(file)).cloned().collect::<Vec<_>>();
        let build = vec![Meaning::Build("one".into())];
        assert_eq!(meanings("one/src/deep/a.rs"), build);
        assert_eq!(meanings("one/src/new.rs"), build);
        assert_eq!(meanings("shared/b.rs"), build);
        assert_eq!(meanings("target/one.wasm"), [Meaning::Swap("one".into())]);
        assert_eq!(meanings("spin.toml"), [Meaning::Manifest]);
        assert_eq!(meanings("runtime-config.toml"), [Meaning::Manifest]);
        for other in ["one/src/a.txt", "one/migrations/deep/1.sql", "shared/deep/b.rs", "target/two.wasm"] {
            assert_eq!(meanings(other), [], "{other}");
        }
        assert_eq!(rules.files().len(), 5);
        assert!(rules.notes.is_empty(), "{:?}", rules.notes);
    }

    #[test]
    fn folders_are_watched_no_deeper_than_patterns_go() {
        let dir = tempfile::tempdir().unwrap();
        let rules = Rules::of(&application(dir.path()), None);
        let root = dir.path().canonicalize().unwrap();
        let deep: Vec<_> = rules.folders().into_iter().filter(|(_, deep)| *deep).map(|(folder, _)| folder).collect();
        assert_eq!(deep, [root.join("one/src")]);
    }
}
