//! What the disk takes for one durable write: the unit in which durable results are to be read.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Enough for a median, quick on a slow disk.
const WRITES: usize = 200;

/// The median of writing a page and fdatasync, as SQLite's write-ahead log does it once it has been filled: in place, because the log is
/// used again from its start. An append would also pay for the file's new length.
pub fn fdatasync_median(dir: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(dir.join("fdatasync"))?;
    file.write_all(&vec![0; WRITES * PAGE])?;
    // Also waits for what a build left to be written; without it the first part of a run measures the build.
    file.sync_all()?;
    file.rewind()?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        file.write_all(&[7; PAGE])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}

/// SQLite's.
const PAGE: usize = 4096;
