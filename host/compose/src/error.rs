//! Why a composition is refused: always both sides, the key that the manifest wrote, and what there is instead.

use std::fmt::Write;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    #[error("{what} is no WebAssembly component: {reason}")]
    NotAComponent { what: String, reason: String },
    #[error("{what} can not be middleware: {reason}")]
    Middleware { what: String, reason: String },
    #[error("failed to make a component of {what}, which is a core module: {reason}")]
    Module { what: String, reason: String },
    #[error("failed to withhold capabilities from {what}: {reason}")]
    Withhold { what: String, reason: String },
    #[error("the key `{key}` in [component.{id}.dependencies] names no import: {reason}")]
    InvalidKey { id: String, key: String, reason: String },
    #[error("component `{id}` does not import `{key}`, which its dependencies name; {}", listed("it imports", .imports))]
    NoImport { id: String, key: String, imports: Vec<String> },
    #[error("the import `{import}` of component `{id}` is satisfied by more than one dependency: `{}`", .keys.join("`, `"))]
    Conflict { id: String, import: String, keys: Vec<String> },
    #[error(
        "the dependency `{key}` of component `{id}` does not export `{export}`, which the component imports{}; {}",
        renamed(.import, .export),
        listed("it exports", .exports)
    )]
    NoExport { id: String, key: String, import: String, export: String, exports: Vec<String> },
    #[error(
        "the dependency `{key}` of component `{id}` exports `{export}` in another shape than the component imports{}: {reason}",
        renamed(.import, .export)
    )]
    Mismatch { id: String, key: String, import: String, export: String, reason: String },
    #[error("failed to compose component `{id}` with its dependencies: {reason}")]
    Graph { id: String, reason: String },
}

fn listed(what: &str, names: &[String]) -> String {
    match names {
        [] => format!("{what} nothing"),
        names => format!("{what} `{}`", names.join("`, `")),
    }
}

fn renamed(import: &str, export: &str) -> String {
    let mut text = String::new();
    if import != export {
        // Writing to a String cannot fail.
        let _ = write!(text, " as `{import}`");
    }
    text
}
