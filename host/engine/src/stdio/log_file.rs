//! The file of one stream: bounded in size, closed to other users, and found again after another program moved, removed or
//! emptied it.

use kobliat_private_files as private_files;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How much of one stream is kept: at most `file_bytes` × (1 + `kept_files`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogBounds {
    /// A file that would grow beyond this is moved to `<name>.1`, and a new one is begun.
    pub file_bytes: u64,
    /// Earlier files that are kept: `<name>.1` is the youngest.
    pub kept_files: u8,
}

impl Default for LogBounds {
    /// 16 MiB hold about 100,000 lines; with one earlier file, a component's two streams take at most 64 MiB.
    fn default() -> Self {
        Self { file_bytes: 16 << 20, kept_files: 1 }
    }
}

/// The earlier file with this number; 1 is the youngest.
pub fn earlier(path: &Path, number: u8) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

pub(super) struct LogFile {
    path: PathBuf,
    bounds: LogBounds,
    file: File,
}

impl LogFile {
    /// Appends to `path`. The file and its directory are made if they are missing.
    pub fn open(path: &Path, bounds: LogBounds) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            private_files::create_dir_all(directory)?;
        }
        Ok(Self { path: path.to_owned(), bounds, file: append_to(path)? })
    }

    /// Looks at the file's name first: another program may have moved or emptied the file (logrotate does either).
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = match fs::metadata(&self.path) {
            Ok(named) if same(&named, &self.file) => named.len(),
            _ => {
                self.file = append_to(&self.path)?;
                self.file.metadata()?.len()
            }
        };
        if length > 0 && length.saturating_add(bytes.len() as u64) > self.bounds.file_bytes {
            self.rotate()?;
        }
        self.file.write_all(bytes)
    }

    fn rotate(&mut self) -> io::Result<()> {
        match self.bounds.kept_files {
            0 => fs::remove_file(&self.path)?,
            kept => {
                for number in (1..kept).rev() {
                    drop(fs::rename(earlier(&self.path, number), earlier(&self.path, number + 1)));
                }
                fs::rename(&self.path, earlier(&self.path, 1))?;
            }
        }
        self.file = append_to(&self.path)?;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let file = private_files::options().create(true).append(true).open(path)?;
    private_files::close(path);
    Ok(file)
}

fn same(named: &fs::Metadata, open: &File) -> bool {
    open.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn file_in(folder: &tempfile::TempDir, file_bytes: u64, kept_files: u8) -> (PathBuf, LogFile) {
        let path = folder.path().join("logs/a_stdout.txt");
        let file = LogFile::open(&path, LogBounds { file_bytes, kept_files }).unwrap();
        (path, file)
    }

    #[test]
    fn a_stream_takes_no_more_than_its_bound_and_keeps_the_youngest() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut file) = file_in(&folder, 100, 2);
        for number in 0..1000 {
            file.write(format!("line {number:04}\n").as_bytes()).unwrap();
        }
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(names.iter().all(|name| fs::metadata(name).unwrap().len() <= 100));
        let all = read(&earlier(&path, 2)) + &read(&earlier(&path, 1)) + &read(&path);
        assert!(all.ends_with("line 0998\nline 0999\n"));
        assert_eq!(all.lines().count(), 1000 - all.lines().next().unwrap()[5..].parse::<usize>().unwrap(), "no gap");
    }

    #[test]
    fn without_earlier_files_it_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut file) = file_in(&folder, 20, 0);
        (0..10).for_each(|number| file.write(format!("line {number}\n").as_bytes()).unwrap());
        assert!(read(&path).ends_with("line 9\n") && read(&path).len() <= 20);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_was_moved_removed_or_emptied_goes_on_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut file) = file_in(&folder, 1 << 20, 1);
        file.write(b"one\n").unwrap();
        fs::rename(&path, folder.path().join("moved")).unwrap();
        file.write(b"two\n").unwrap();
        assert_eq!((read(&folder.path().join("moved")), read(&path)), ("one\n".to_owned(), "two\n".to_owned()));
        fs::remove_file(&path).unwrap();
        file.write(b"three\n").unwrap();
        assert_eq!(read(&path), "three\n");
        fs::write(&path, "").unwrap(); // copytruncate
        file.write(b"four\n").unwrap();
        assert_eq!(read(&path), "four\n", "no hole of zero bytes");
    }

    #[test]
    fn logs_are_closed_to_other_users_and_an_open_one_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = file_in(&folder, 100, 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        LogFile::open(&path, LogBounds::default()).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
