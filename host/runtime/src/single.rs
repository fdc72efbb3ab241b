//! What an application is read from: its spin.toml, or a single component, which then serves every path and may do nothing else.

use crate::error::StartError;
use kobliat_manifest::Manifest;
use std::path::Path;

pub fn load(path: &Path) -> Result<Manifest, StartError> {
    let manifest = match path.extension() {
        Some(extension) if extension == "wasm" => {
            let folder = path.parent().unwrap_or(Path::new(""));
            Manifest::parse(&manifest_of(path), folder.join("spin.toml"))
        }
        _ => Manifest::load(path),
    };
    manifest.map_err(|errors| StartError::new(errors.to_string()))
}

/// TOML's basic strings are written as Rust writes its own, but for characters that no file name needs.
fn manifest_of(component: &Path) -> String {
    let file = component.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "spin_manifest_version = 2\napplication = {{ name = {file:?} }}\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"component\"\n[component.component]\nsource = {file:?}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kobliat_manifest::ComponentSource;

    #[test]
    fn a_component_alone_is_an_application() {
        let manifest = load(Path::new("/some/where/my app.wasm")).unwrap();
        assert_eq!(manifest.application.name, "my app.wasm");
        let component = &manifest.components["component"];
        assert_eq!(component.source, ComponentSource::Path("my app.wasm".into()));
        assert_eq!(manifest.dir, Path::new("/some/where"));
        assert_eq!(manifest.http_triggers.len(), 1);
    }
}
