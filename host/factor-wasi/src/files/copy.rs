//! Copies what the patterns and placements name, and nothing that is excluded.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component as Part, Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};
use kobliat_manifest::{Component, FileMount};
use kobliat_private_files as private_files;

/// Like a shell's: `*` stays within a folder, and does match hidden files, as in Spin.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// Makes `target` anew: what was there of an earlier start is gone.
pub fn replace(component: &Component, app: &Path, target: &Path) -> Result<(), String> {
    let made = match fs::remove_dir_all(target) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => private_files::create_dir_all(target),
    };
    made.map_err(|error| format!("failed to prepare `{}`: {error}", target.display()))?;
    let excluded = component.exclude_files.iter().map(|pattern| read_pattern(pattern)).collect::<Result<_, _>>()?;
    let copy = Copy { app, target, excluded };
    component.files.iter().try_for_each(|file| match file {
        FileMount::Pattern(pattern) => copy.pattern(pattern),
        FileMount::Placement { source, destination } => copy.placement(source, destination),
    })
}

struct Copy<'c> {
    app: &'c Path,
    target: &'c Path,
    excluded: Vec<Pattern>,
}

impl Copy<'_> {
    /// A folder stands for everything in it.
    fn pattern(&self, pattern: &str) -> Result<(), String> {
        let folder = pattern.trim_end_matches('/');
        let found =
            if self.app.join(folder).is_dir() { self.files(&format!("{folder}/**/*"))? } else { self.files(pattern)? };
        if found.is_empty() {
            tracing::warn!("`{pattern}` of `files` names no file");
        }
        found.iter().try_for_each(|file| self.copy(file, file))
    }

    fn placement(&self, source: &Path, destination: &str) -> Result<(), String> {
        let destination = Path::new(destination.trim_matches('/'));
        let from = self.app.join(source);
        if from.is_file() {
            return self.copy(source, destination);
        }
        if !from.is_dir() {
            return Err(format!("`{}` is missing", source.display()));
        }
        for file in self.files(&format!("{}/**/*", source.display()))? {
            let below = file.strip_prefix(source).map_err(|error| error.to_string())?;
            self.copy(&file, &destination.join(below))?;
        }
        Ok(())
    }

    /// Relative to the application's folder, in order.
    fn files(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let root = Pattern::escape(&self.app.to_string_lossy());
        let paths = glob_with(&format!("{root}/{pattern}"), MATCHING)
            .map_err(|error| format!("`{pattern}` is no pattern: {error}"))?;
        let mut files = Vec::new();
        for path in paths {
            let path = path.map_err(|error| format!("failed to read `{pattern}`: {error}"))?;
            let relative = path.strip_prefix(self.app).unwrap_or(&path);
            if path.is_file() && !self.is_excluded(relative) {
                files.push(relative.to_owned());
            }
        }
        Ok(files)
    }

    fn is_excluded(&self, relative: &Path) -> bool {
        self.excluded.iter().any(|pattern| pattern.matches_path_with(relative, MATCHING))
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<(), String> {
        if to.components().any(|part| !matches!(part, Part::Normal(_) | Part::CurDir)) {
            return Err(format!("`{}` would be outside the component's files", to.display()));
        }
        if self.is_excluded(from) {
            return Ok(());
        }
        let target = self.target.join(to);
        let folder = target.parent().unwrap_or(self.target);
        copy_private(&self.app.join(from), folder, &target)
            .map_err(|error| format!("failed to copy `{}`: {error}", from.display()))
    }
}

/// A copy keeps the mode of its source, which other users may be able to read.
fn copy_private(from: &Path, folder: &Path, target: &Path) -> std::io::Result<()> {
    private_files::create_dir_all(folder)?;
    fs::copy(from, target)?;
    fs::set_permissions(target, fs::Permissions::from_mode(private_files::FILE_MODE))
}

fn read_pattern(pattern: &str) -> Result<Pattern, String> {
    Pattern::new(pattern).map_err(|error| format!("`{pattern}` of `exclude_files` is no pattern: {error}"))
}
