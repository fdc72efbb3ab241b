//! Data at rest is closed to other users: directories are made with mode 0700 and files with 0600, whatever the umask says.
//!
//! [`create_dir_all`], [`options`] and [`write`] make them. [`close`] mends one that another program, an earlier version or
//! an operator made open, and logs a line.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tracing::warn;

/// Its owner may look inside.
pub const DIRECTORY_MODE: u32 = 0o700;
/// Its owner may read and write.
pub const FILE_MODE: u32 = 0o600;

/// What others could do: group and world.
const OTHERS: u32 = 0o077;
/// Set on shared directories such as /tmp.
const STICKY: u32 = 0o1000;

/// Makes the directory and its missing parents. Those that exist stay as they are.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// For opening a file that is made private if it does not exist.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE_MODE);
    options
}

/// Makes the file private before another library opens it; one that exists is closed.
pub fn prepare(path: &Path) -> io::Result<()> {
    match options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            close(path);
            Ok(())
        }
        made => made.map(drop),
    }
}

/// Replaces the file's content. After a crash it has the old content or the new one.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let new = directory.join(name);
    let written = write_new(&new, content).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What failed is told; half a file beside the old one helps nobody.
        drop(fs::remove_file(&new));
    }
    written?;
    fs::File::open(directory)?.sync_all()
}

fn write_new(new: &Path, content: &[u8]) -> io::Result<()> {
    drop(fs::remove_file(new));
    let mut file = options().write(true).create_new(true).open(new)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Takes group's and others' permissions away and logs it. A failure is logged, too: a file that belongs to another
/// user can still be used.
pub fn close(path: &Path) {
    match take_away(path) {
        Ok(None) => {}
        Ok(Some(mode)) => warn!("`{}` was open to other users (mode {mode:04o}); it is closed now", path.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => warn!(
            "`{}` is open to other users, and closing it failed: {error}; run `chmod go-rwx {}` as its owner",
            path.display(),
            path.display()
        ),
    }
}

/// The mode that it had, if others could open it. A directory that is shared by design (sticky, or `/`) stays.
fn take_away(path: &Path) -> io::Result<Option<u32>> {
    let metadata = fs::metadata(path)?;
    let mode = metadata.mode() & 0o7777;
    let shared = metadata.is_dir() && (mode & STICKY != 0 || path.parent().is_none());
    if mode & OTHERS == 0 || shared {
        return Ok(None);
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))?;
    Ok(Some(mode))
}

/// Closes these entries of the directory and everything below them. Links are not followed; one line is logged for all.
pub fn close_trees(directory: &Path, entries: impl IntoIterator<Item = PathBuf>) {
    let (mut closed, mut example) = (0_u64, None);
    let mut open: Vec<PathBuf> = entries.into_iter().collect();
    while let Some(path) = open.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_symlink() {
            continue;
        }
        match take_away(&path) {
            Ok(Some(mode)) => {
                closed += 1;
                example.get_or_insert((path.clone(), mode));
            }
            Ok(None) => {}
            Err(_) => close(&path), // logs the reason
        }
        if metadata.is_dir() {
            open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    if let Some((path, mode)) = example {
        warn!(
            "{closed} entries of `{}` were open to other users (`{}` had mode {mode:04o}); they are closed now",
            directory.display(),
            path.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_private_and_what_exists_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("a/b");
        create_dir_all(&nested).unwrap();
        assert_eq!((mode(&nested), mode(nested.parent().unwrap())), (0o700, 0o700));
        let file = nested.join("data.db");
        prepare(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "kept").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
        prepare(&file).unwrap();
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o600, "kept"));
    }

    #[test]
    fn a_tree_is_closed_without_following_links() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let foreign = outside.path().join("foreign");
        fs::write(&foreign, "").unwrap();
        fs::set_permissions(&foreign, Permissions::from_mode(0o644)).unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        fs::set_permissions(&logs, Permissions::from_mode(0o755)).unwrap();
        fs::write(logs.join("a_stdout.txt"), "x").unwrap();
        fs::set_permissions(logs.join("a_stdout.txt"), Permissions::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink(&foreign, logs.join("link")).unwrap();
        close_trees(folder.path(), [logs.clone()]);
        assert_eq!((mode(&logs), mode(&logs.join("a_stdout.txt")), mode(&foreign)), (0o700, 0o600, 0o644));
    }

    #[test]
    fn a_directory_that_is_shared_by_design_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        close(folder.path());
        assert_eq!(mode(folder.path()), 0o1777);
    }

    #[test]
    fn a_write_replaces_the_whole_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        write(&file, b"one").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write(&file, b"two").unwrap();
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o600, "two"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(write(&folder.path().join("missing/settings.json"), b"x").is_err());
    }
}
