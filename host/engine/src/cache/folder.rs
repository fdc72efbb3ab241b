//! The folder of the cache: closed to other users, and bounded.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tracing::warn;

/// Beyond this, what was not used for longest goes: the versions of a month of work, and never those of one application.
const LARGEST: u64 = 4 << 30;

/// Longer than any compilation: a file that is still being written is younger.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Makes the folder where it is missing, and takes it away from other users where they may write to it.
pub(super) fn make_private(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if fs::metadata(directory)?.permissions().mode() & 0o022 != 0 {
        warn!(
            "other users could write to `{}`, the folder of compiled components: it is closed to them now (0700), and what is not this user's is compiled anew",
            directory.display()
        );
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
}

/// Removes what a crash left half written, and what is too much. A file that can not be removed stays.
pub(super) fn tidy(directory: &Path) {
    let mut entries = files(directory);
    entries.retain(|(path, metadata)| {
        let is_half = path.extension().is_none_or(|extension| extension != "cwasm");
        let is_old = age(metadata).is_some_and(|age| age > ABANDONED);
        if is_half && is_old {
            drop(fs::remove_file(path));
        }
        !is_half
    });
    entries.sort_by_key(|(_, metadata)| age(metadata));
    let mut total = 0;
    for (path, metadata) in entries {
        total += metadata.len();
        if total > LARGEST {
            drop(fs::remove_file(path));
        }
    }
}

fn files(directory: &Path) -> Vec<(PathBuf, Metadata)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let file = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let metadata = entry.metadata().ok().filter(Metadata::is_file)?;
        Some((entry.path(), metadata))
    };
    entries.filter_map(file).collect()
}

fn age(metadata: &Metadata) -> Option<Duration> {
    SystemTime::now().duration_since(metadata.modified().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, bytes: u64, age: Duration) -> PathBuf {
        let path = folder.join(name);
        let file = fs::File::create(&path).unwrap();
        // Sparse: it takes no room.
        file.set_len(bytes).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        path
    }

    #[test]
    fn half_files_and_the_oldest_of_too_many_go() {
        let folder = tempfile::tempdir().unwrap();
        let hours = |hours: u64| Duration::from_secs(3600 * hours);
        let newest = file(folder.path(), "a.cwasm", LARGEST / 2, hours(0));
        let newer = file(folder.path(), "b.cwasm", LARGEST / 2, hours(1));
        let oldest = file(folder.path(), "c.cwasm", 1, hours(2));
        let half = file(folder.path(), ".tmpHalf", 1, hours(2));
        let written_now = file(folder.path(), ".tmpNow", 1, hours(0));
        tidy(folder.path());
        assert!(newest.exists() && newer.exists() && written_now.exists());
        assert!(!oldest.exists() && !half.exists());
    }

    #[test]
    fn the_folder_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        make_private(folder.path()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
