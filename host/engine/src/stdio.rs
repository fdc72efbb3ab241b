//! A component's stdout and stderr, appended to a file by a thread of its own: a slow disk never holds a guest.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Writes that may wait for the disk. A guest that logs faster loses lines, which are counted in the file.
const QUEUED_WRITES: usize = 1024;

/// The most bytes of one queued write.
const WRITE_BYTES: usize = 16 << 10;

/// One stream of one component; clones write to the same file.
#[derive(Clone)]
pub struct LogStream {
    queue: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl LogStream {
    /// Appends to `path`, which is made with its directory when missing.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (queue, writes) = sync_channel(QUEUED_WRITES);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        std::thread::Builder::new().name("component-log".into()).spawn(move || append(file, &writes, &counter))?;
        Ok(Self { queue, dropped })
    }
}

/// Ends when the last stream is gone.
fn append(mut file: File, writes: &Receiver<Vec<u8>>, dropped: &AtomicU64) {
    for bytes in writes {
        let lost = dropped.swap(0, Relaxed);
        if lost > 0 {
            drop(writeln!(file, "[{lost} writes lost: the component logged faster than the disk]"));
        }
        drop(file.write_all(&bytes));
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = bytes.get(..WRITE_BYTES).unwrap_or(bytes);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(taken.to_vec()) {
            self.dropped.fetch_add(1, Relaxed);
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}
