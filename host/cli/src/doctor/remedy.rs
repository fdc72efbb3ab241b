//! What `kobliat doctor --fix` can do by itself. Nothing here decides for a person: what is built, is built by the manifest's command; what is
//! added to a file, goes to its end.

use crate::build::{components, options};
use anyhow::{Context, Result};
use kobliat_build::Toolchain;
use kobliat_manifest::Manifest;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Build this component.
    Build(String),
    /// Set up what builds guests.
    Toolchain,
    /// Configure a label that spin.toml lists.
    Label { table: String, label: String },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::Build(id) => write!(f, "building component `{id}`"),
            Remedy::Toolchain => f.write_str("setting up the toolchain of components"),
            Remedy::Label { table, label } => write!(f, "adding [{table}.{label}] to the runtime config"),
        }
    }
}

impl Remedy {
    pub fn apply(&self, manifest: &Manifest, runtime_config: &Path) -> Result<()> {
        match self {
            Remedy::Build(id) => components(manifest, std::slice::from_ref(id), true),
            Remedy::Toolchain => {
                Toolchain::ensure(&options(&manifest.dir, true)?, &mut |line| tell!("{line}"))?;
                Ok(())
            }
            Remedy::Label { table, label } => {
                append(runtime_config, &format!("\n[{table}.{label}]\ntype = \"spin\"\n"))
            }
        }
    }
}

fn append(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("failed to write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kobliat_runtime::RuntimeConfig;

    #[test]
    fn a_label_that_was_added_is_configured() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runtime-config.toml");
        std::fs::write(&file, "[sqlite_database.old]\ntype = \"spin\"").unwrap();
        let text = "spin_manifest_version = 2\napplication = { name = \"a\" }\n[trigger]\n";
        let manifest = Manifest::parse(text, folder.path().join("spin.toml")).unwrap();
        for table in ["key_value_store", "sqlite_database"] {
            let remedy = Remedy::Label { table: table.to_owned(), label: "sessions".to_owned() };
            remedy.apply(&manifest, &file).unwrap();
        }
        let config = RuntimeConfig::load(Some(&file), folder.path()).unwrap();
        assert!(config.sqlite_databases(Path::new("")).contains_key("sessions"));
        assert!(config.sqlite_databases(Path::new("")).contains_key("old"));
        assert!(config.key_value_stores(Path::new("")).contains_key("sessions"));
    }
}
