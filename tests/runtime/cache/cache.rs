//! Machine code on disk is used when it is whole, and made anew when it is not: no byte of it may end the host.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::host::{Start, log};

fn start(cache: &Path) -> Start {
    let cache = cache.to_owned();
    Start::behaviour("pauses").options(move |options| options.compiled_dir = Some(cache))
}

/// The one entry.
fn entry(cache: &Path) -> PathBuf {
    let files = fs::read_dir(cache).unwrap().map(|file| file.unwrap().path());
    let mut entries: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "cwasm")).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_entry_is_compiled_anew_with_a_line_in_the_log() {
    let cache = tempfile::tempdir().unwrap();
    drop(start(cache.path()).start().await.stop().await);
    let entry = entry(cache.path());
    let whole = fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    // In the middle is code; the beginning is what wasmtime looks at.
    let middle = flipped.len() / 2;
    flipped[middle..middle + 4096].iter_mut().for_each(|byte| *byte ^= 0xff);
    for damaged in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new(), vec![0; whole.len()]] {
        fs::write(&entry, &damaged).unwrap();
        let host = start(cache.path()).start().await;
        assert_eq!(host.get("/slow/ok").await.expect(200), "ok");
        assert!(
            log().contains(&format!("compiling anew: the cached `{}` is not used: it is damaged", entry.display()))
        );
        drop(host.stop().await);
        assert_ne!(fs::read(&entry).unwrap(), damaged, "and is written anew");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_could_write_is_not_run() {
    let cache = tempfile::tempdir().unwrap();
    drop(start(cache.path()).start().await.stop().await);
    let entry = entry(cache.path());
    let elsewhere = cache.path().join("elsewhere");
    fs::rename(&entry, &elsewhere).unwrap();
    symlink(&elsewhere, &entry).unwrap();
    fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let host = start(cache.path()).start().await;
    assert_eq!(host.get("/slow/ok").await.expect(200), "ok");
    assert!(log().contains(&format!("other users could write to `{}`", cache.path().display())));
    assert!(!fs::symlink_metadata(&entry).unwrap().is_symlink(), "compiled anew");
    assert_eq!(fs::metadata(cache.path()).unwrap().permissions().mode() & 0o777, 0o700);
}
