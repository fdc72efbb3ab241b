//! One file of the cache: machine code, and behind it the checksum that says that it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The end of every entry, behind the checksum. It is part of each entry's name, too: files of another form are not found.
pub(super) const FORMAT: &[u8; 8] = b"kobliat2";

const CHECKSUM: usize = blake3::OUT_LEN;
const TRAILER: usize = CHECKSUM + FORMAT.len();

/// Why an entry is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Bad {
    #[error("there is none")]
    Missing,
    #[error("it can not be read: {0}")]
    Unreadable(io::Error),
    #[error("it belongs to another user, or others may write to it")]
    Foreign,
    #[error("it is damaged: its checksum is wrong")]
    Damaged,
    #[error("{0}")]
    Unusable(String),
}

/// An entry whose checksum is right. The file stays open: what is loaded is what was verified, whatever happens to its name.
pub(super) struct Verified(File);

impl Verified {
    /// Another name of the open file.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

pub(super) fn open(path: &Path) -> Result<Verified, Bad> {
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file =
        OpenOptions::new().read(true).custom_flags(no_link).open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Bad::Missing,
            _ => Bad::Unreadable(error),
        })?;
    let metadata = file.metadata().map_err(Bad::Unreadable)?;
    let (owner, us) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if !metadata.is_file() || (owner != us && owner != 0) || metadata.mode() & 0o022 != 0 {
        return Err(Bad::Foreign);
    }
    if !is_whole(&mut file, metadata.len()).map_err(Bad::Unreadable)? {
        return Err(Bad::Damaged);
    }
    // What is not used for long goes first when the folder is full.
    drop(file.set_modified(SystemTime::now()));
    Ok(Verified(file))
}

fn is_whole(file: &mut File, length: u64) -> io::Result<bool> {
    let Some(code) = length.checked_sub(TRAILER as u64) else { return Ok(false) };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(Read::by_ref(file).take(code))?;
    file.seek(SeekFrom::Start(code))?;
    let mut trailer = [0; TRAILER];
    file.read_exact(&mut trailer)?;
    let (checksum, format) = trailer.split_at(CHECKSUM);
    Ok(format == FORMAT && checksum == hasher.finalize().as_bytes())
}

/// Writes beside the entry, and renames what is on disk: neither a crash nor a second host leaves half a file under its name.
pub(super) fn write(directory: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(code)?;
    file.write_all(blake3::hash(code).as_bytes())?;
    file.write_all(FORMAT)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn entry() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entry.cwasm");
        write(folder.path(), &path, &[7; 10_000]).unwrap();
        (folder, path)
    }

    #[test]
    fn what_was_written_is_whole() {
        let (_folder, path) = entry();
        let verified = open(&path).unwrap_or_else(|bad| panic!("{bad}"));
        assert!(fs::read(verified.path()).unwrap().starts_with(&[7; 10_000]), "its other name leads to it");
    }

    #[test]
    fn any_flipped_bit_and_any_missing_end_is_found() {
        let (_folder, path) = entry();
        let whole = fs::read(&path).unwrap();
        for at in [0, 5_000, 9_999, 10_000, 10_031, 10_032, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(matches!(open(&path), Err(Bad::Damaged)), "byte {at}");
        }
        for length in [0, 1, TRAILER - 1, TRAILER, 9_999, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(matches!(open(&path), Err(Bad::Damaged)), "{length} bytes of it");
        }
        fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
        assert!(matches!(open(&path), Err(Bad::Damaged)), "something behind it");
    }

    #[test]
    fn what_others_could_have_written_is_not_used() {
        let (folder, path) = entry();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(open(&path), Err(Bad::Foreign)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let link = folder.path().join("link.cwasm");
        symlink(&path, &link).unwrap();
        assert!(matches!(open(&link), Err(Bad::Unreadable(_))), "a link may lead anywhere");
        assert!(matches!(open(folder.path()), Err(Bad::Foreign)), "a folder");
        assert!(matches!(open(&folder.path().join("none")), Err(Bad::Missing)));
    }
}
