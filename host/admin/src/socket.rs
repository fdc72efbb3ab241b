//! The unix socket in the state directory, whose path may be longer than an address of a socket can be.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// A socket's address holds 107 bytes on Linux.
const LONGEST: usize = 107;

/// Where the admin socket of a state directory is.
pub fn socket_in(state_dir: &Path) -> PathBuf {
    state_dir.join("admin.sock")
}

/// A name of `path` that is short enough, usable as long as the second value lives.
pub fn short(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().len() <= LONGEST {
        return Ok((path.to_owned(), None));
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("the socket's path has no directory"));
    };
    let directory = File::open(directory)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name), Some(directory)))
}
