//! Keeps the folder of downloads small: a manifest that is changed often leaves one file for each version.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What no start has used for so long is fetched again if it is needed.
const UNUSED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Notes that these are used, and removes what was not for long. What can not be removed stays.
pub fn sweep<'f>(directory: &Path, used: impl Iterator<Item = &'f PathBuf>) {
    let now = FileTimes::new().set_modified(SystemTime::now());
    for file in used {
        // Without it the file goes sooner, and is fetched again.
        drop(File::options().append(true).open(file).and_then(|file| file.set_times(now)));
    }
    remove_unused(directory);
}

fn remove_unused(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            remove_unused(&entry.path());
        } else if metadata.modified().is_ok_and(|used| used.elapsed().is_ok_and(|unused| unused > UNUSED)) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_start_has_used_for_long_goes() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("packages/a");
        fs::create_dir_all(&nested).unwrap();
        let [unused, used, young] = ["1.wasm", "2.wasm", "3.wasm"].map(|name| nested.join(name));
        for (file, age) in [(&unused, 2 * UNUSED), (&used, 2 * UNUSED), (&young, UNUSED / 2)] {
            fs::write(file, "").unwrap();
            let times = FileTimes::new().set_modified(SystemTime::now() - age);
            File::options().append(true).open(file).unwrap().set_times(times).unwrap();
        }
        sweep(folder.path(), [used.clone()].iter());
        assert_eq!([&unused, &used, &young].map(|file| file.exists()), [false, true, true]);
        sweep(folder.path(), [].iter());
        assert!(used.exists(), "it was used a moment ago");
    }
}
