//! `files`: what of the application's folder the guest can read.

use std::path::PathBuf;

use crate::reader::Field;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMount {
    /// A glob, a folder or a file, relative to the manifest's folder; mounted under the same path.
    Pattern(String),
    /// A folder or a file, mounted elsewhere.
    Placement { source: PathBuf, destination: String },
}

pub(super) fn read_files(field: &Field) -> Vec<FileMount> {
    field.items().iter().filter_map(read_mount).collect()
}

fn read_mount(field: &Field) -> Option<FileMount> {
    if field.is_string() {
        return field.parsed(pattern).map(FileMount::Pattern);
    }
    let table = field.table_or_string()?;
    let source = table.required("source", "source = \"assets\"").and_then(|field| field.string());
    let destination = table.required("destination", "destination = \"/\"").and_then(|field| field.parsed(mount_point));
    table.finish();
    Some(FileMount::Placement { source: source?.into(), destination: destination? })
}

/// Stays inside the application's folder.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    let escapes = text.starts_with('/') || text.split('/').any(|part| part == "..");
    if escapes || text.is_empty() || text == "." || text.ends_with("/.") {
        return Err(format!("`{text}` is no path inside the application's folder; write one like `assets/*`"));
    }
    Ok(text.to_owned())
}

fn mount_point(text: &str) -> Result<String, String> {
    if text.is_empty() || text.split('/').any(|part| part == "..") {
        return Err(format!("`{text}` is no place to mount files at; write an absolute path, like `/assets`"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stay_inside() {
        assert!(pattern("assets/**/*.png").is_ok() && pattern("a..b").is_ok() && pattern("a/.hidden").is_ok());
        for bad in ["", ".", "..", "../x", "a/../b", "a/.", "/etc"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }
}
