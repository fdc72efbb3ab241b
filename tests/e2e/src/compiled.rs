//! Compiled components, shared by all platforms that the tests start: compiling takes seconds, and there are many starts.
//!
//! The shelf is in cargo's target directory and outlives the run. Entries are named by a hash of all that they depend on,
//! so that none is ever stale; old ones are thrown away so that the shelf does not grow for ever.

use crate::Mode;
use crate::app;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;

/// A day: longer than one works on a guest, shorter than one forgets the shelf.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Puts the compiled components of this mode into a state directory in which no host has started yet.
pub(crate) async fn stock(state_dir: &Path, mode: Mode) {
    static READY: [OnceCell<()>; 2] = [const { OnceCell::const_new() }; 2];
    let ready = READY.get(usize::from(mode.has_links())).unwrap();
    ready.get_or_init(|| fill(mode)).await;
    copy(&shelf(), &state_dir.join("cache")).unwrap();
}

/// Starts one platform only for what it compiles.
async fn fill(mode: Mode) {
    throw_away_old().unwrap();
    let state = tempfile::tempdir().unwrap();
    copy(&shelf(), &state.path().join("cache")).unwrap();
    let platform = app::start(state.path(), mode, &[]).await;
    platform.shutdown().await;
    copy(&state.path().join("cache"), &shelf()).unwrap();
}

/// Beside the test binary's own directory: `target/debug/deps/e2e-…` → `target/debug/e2e-components`.
fn shelf() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    binary.ancestors().nth(2).unwrap().join("e2e-components")
}

fn throw_away_old() -> io::Result<()> {
    fs::create_dir_all(shelf())?;
    for entry in fs::read_dir(shelf())?.flatten() {
        let age = entry.metadata().and_then(|it| it.modified()).map(|at| at.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > KEPT) {
            // Another test process may have been faster.
            drop(fs::remove_file(entry.path()));
        }
    }
    Ok(())
}

/// Hard links where the file systems allow it. An entry appears whole or not at all.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().extension().is_none_or(|it| it != "cwasm") || target.exists() {
            continue;
        }
        if fs::hard_link(entry.path(), &target).is_err() {
            let whole = tempfile::NamedTempFile::new_in(to)?;
            fs::copy(entry.path(), whole.path())?;
            whole.persist(&target)?;
        }
    }
    Ok(())
}
