//! What one run of a statement may use, and the texts that say which bound it has reached.

use std::path::Path;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::{Error, heap, temporary};

/// What bounds one run.
pub(crate) struct Bounds {
    pub time: Duration,
    pub result_bytes: usize,
    /// Memory beside the parameters and the connection's page cache.
    pub memory_bytes: usize,
    pub temporary_bytes: u64,
    pub cancelled: Option<Arc<AtomicBool>>,
}

/// Prepares SQLite, once in a process: before the first connection, which is of a database in `directory`. Who opens one that
/// is not this crate's calls it before.
pub fn prepare(directory: &Path) {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        let prepared =
            heap::install().and_then(|()| temporary::configure()).and_then(|()| temporary::install(directory));
        if let Err(code) = prepared {
            tracing::error!("statements can use any amount of memory: SQLite was started before (code {code})");
        }
    });
}

/// The bounds in force on this thread.
pub(crate) struct InForce {
    heap: heap::Limited,
    temporary: temporary::Limited,
    memory_bytes: usize,
    temporary_bytes: u64,
}

impl Bounds {
    /// `copied`: the parameters, which SQLite copies as they are bound and as they are stored. `cache`: what the connection keeps
    /// of its file, and a sort in memory may have as much again.
    pub fn enforce(&self, copied: usize, cache: usize) -> InForce {
        let (memory_bytes, temporary_bytes) = (self.memory_bytes, self.temporary_bytes);
        let all = memory_bytes.saturating_add(copied.saturating_mul(2)).saturating_add(cache.saturating_mul(2));
        let (heap, temporary) = (heap::Limited::to(all), temporary::Limited::to(temporary_bytes));
        InForce { heap, temporary, memory_bytes, temporary_bytes }
    }
}

impl InForce {
    /// Why a statement failed, where it was for one of these bounds.
    pub fn explain(&self) -> Option<Error> {
        let (needs, what) = if self.heap.was_reached() {
            (self.memory_bytes as u64, "memory")
        } else if self.temporary.was_reached() {
            (self.temporary_bytes, "temporary files")
        } else {
            return None;
        };
        Some(Error::TooLarge(format!(
            "the statement needs more than {needs} bytes of {what}: read less at once, or let an index do the sorting"
        )))
    }
}
