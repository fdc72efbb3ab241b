//! One guest build at a time, across processes: `cargo up` beside `cargo test` must not both call apt-get.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::{Error, Options, Progress};

/// Held while the file is open; the kernel lets go of it even when the process is killed.
pub(crate) fn acquire(dir: &Path, progress: Progress<'_>) -> Result<File, Error> {
    fs::create_dir_all(dir).map_err(|source| Options::file_error(dir, source))?;
    let path = dir.join(".build-lock");
    let failed = |source| Options::file_error(&path, source);
    let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => progress("Waiting for another build of the guests"),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.lock().map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_build_says_that_it_waits_for_the_first() {
        let guests = tempfile::tempdir().unwrap();
        let mut said = Vec::new();
        let mut first = Some(acquire(guests.path(), &mut |line| panic!("nobody to wait for, but: {line}")).unwrap());
        // The first build ends as soon as the second one says that it waits.
        let second = acquire(guests.path(), &mut |line| {
            said.push(line.to_owned());
            first.take();
        });
        assert!(second.is_ok());
        assert_eq!(said, ["Waiting for another build of the guests"]);
    }
}
