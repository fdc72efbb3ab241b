//! What the disk takes for one durable write: the unit in which durable results are to be read.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Enough for a median, quick on a slow disk.
const WRITES: usize = 200;

/// The median of append and fdatasync, as SQLite's write-ahead log does it.
pub fn fdatasync_median(dir: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(dir.join("fdatasync"))?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}
