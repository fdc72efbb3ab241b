//! `files` of a component: copied into the state directory and mounted read-only at `/`, or, with `--direct-mounts`, the
//! application's own folders, mounted where they are.

mod copy;

use std::path::{Path, PathBuf};

use kobliat_manifest::{Component, FileMount};

/// Why a component's files can not be mounted.
#[derive(Debug, thiserror::Error)]
#[error("[component.{component}] `files`: {reason}")]
pub struct FilesError {
    pub component: String,
    pub reason: String,
}

/// How the command line wants files.
#[derive(Clone, Copy, Debug, Default)]
pub struct FilesOptions {
    /// `--direct-mounts`: what changes in the folder is seen at once. Folders only, nothing excluded.
    pub direct: bool,
    /// `--allow-transient-write`: guests may write into their copy, which the next start makes anew.
    pub writable: bool,
}

/// A folder of the host and where the guest finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub host: PathBuf,
    pub guest: String,
}

/// What a component's instances are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileMounts {
    pub mounts: Vec<Mount>,
    pub writable: bool,
}

impl FileMounts {
    /// Copies a component's files below `assets`, unless they are mounted directly. `app` is the manifest's folder.
    pub fn prepare(
        component: &Component,
        app: &Path,
        assets: &Path,
        options: FilesOptions,
    ) -> Result<Self, FilesError> {
        if component.files.is_empty() {
            return Ok(Self::default());
        }
        let mounts = if options.direct { direct(component, app) } else { copied(component, app, assets) };
        match mounts {
            // A writable direct mount would let a guest change the application's own files.
            Ok(mounts) => Ok(Self { mounts, writable: options.writable && !options.direct }),
            Err(reason) => Err(FilesError { component: component.id.clone(), reason }),
        }
    }
}

fn direct(component: &Component, app: &Path) -> Result<Vec<Mount>, String> {
    if !component.exclude_files.is_empty() {
        return Err("`exclude_files` does not go with --direct-mounts; leave one of them out".to_owned());
    }
    let mount = |file: &FileMount| {
        let (source, guest) = match file {
            FileMount::Pattern(pattern) => (PathBuf::from(pattern), rooted(pattern)),
            FileMount::Placement { source, destination } => (source.clone(), rooted(destination)),
        };
        let host = app.join(&source);
        let is_folder = host.is_dir();
        is_folder.then_some(Mount { host, guest }).ok_or_else(|| {
            format!("--direct-mounts mounts folders only, and `{}` is none; start without it", source.display())
        })
    };
    component.files.iter().map(mount).collect()
}

fn copied(component: &Component, app: &Path, assets: &Path) -> Result<Vec<Mount>, String> {
    let host = assets.join(&component.id);
    copy::replace(component, app, &host)?;
    Ok(vec![Mount { host, guest: "/".to_owned() }])
}

fn rooted(path: &str) -> String {
    format!("/{}", path.trim_matches('/'))
}

#[cfg(test)]
mod tests;
