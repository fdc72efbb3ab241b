//! A component's stdout and stderr, appended to a file by a thread of its own: a slow disk never holds a guest.

mod log_file;

use log_file::LogFile;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Writes that may wait for the disk. A guest that logs faster loses lines, which are counted in the file.
const QUEUED_WRITES: usize = 1024;

/// What the file says of them.
const WHY_LOST: &str = "the component logged faster than the disk, or the disk was full";

/// Their bytes together, for each stream of each component.
const QUEUED_BYTES: usize = 1 << 20;

/// The most bytes of one queued write.
const WRITE_BYTES: usize = 16 << 10;

pub use log_file::{LogBounds, earlier};

/// One stream of one component; clones write to the same file.
#[derive(Clone)]
pub struct LogStream {
    shared: Arc<Shared>,
}

struct Shared {
    queue: SyncSender<Entry>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    queued_bytes: AtomicUsize,
    /// Writes that were lost since the last that was not.
    dropped: AtomicU64,
}

/// What a stream's thread does next.
enum Entry {
    Bytes(Vec<u8>),
    /// Everything before is in the file: drops it.
    Mark(SyncSender<()>),
}

/// The streams of one host, so that nothing of them is lost when it ends.
#[derive(Default)]
pub struct LogStreams {
    bounds: LogBounds,
    open: Mutex<Vec<(Weak<Shared>, JoinHandle<()>)>>,
}

impl LogStreams {
    pub fn bounded(bounds: LogBounds) -> Self {
        Self { bounds, open: Mutex::default() }
    }

    /// Appends to `path`, which is made with its directory when missing.
    pub fn to_file(&self, path: &Path) -> io::Result<LogStream> {
        let (stream, thread) = LogStream::to_file(path, self.bounds)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, thread)| !thread.is_finished());
        open.push((Arc::downgrade(&stream.shared), thread));
        Ok(stream)
    }

    /// Waits until what was written so far is in the files.
    pub fn flush(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for (stream, thread) in open {
            let Some(stream) = stream.upgrade() else {
                drop(thread.join());
                continue;
            };
            let (mark, reached) = sync_channel(0);
            if stream.queue.send(Entry::Mark(mark)).is_ok() {
                // The mark is dropped, nothing is sent.
                let _ = reached.recv();
            }
        }
    }
}

impl LogStream {
    fn to_file(path: &Path, bounds: LogBounds) -> io::Result<(Self, JoinHandle<()>)> {
        let file = LogFile::open(path, bounds)?;
        let (queue, writes) = sync_channel(QUEUED_WRITES);
        let counts = Arc::<Counts>::default();
        let shared = Arc::new(Shared { queue, counts: Arc::clone(&counts) });
        let thread = std::thread::Builder::new().name("component-log".into());
        let thread = thread.spawn(move || append(file, &writes, &counts))?;
        Ok((Self { shared }, thread))
    }
}

impl Shared {
    /// False when the disk is too far behind.
    fn offer(&self, bytes: &[u8]) -> bool {
        let queued_bytes = &self.counts.queued_bytes;
        if queued_bytes.fetch_add(bytes.len(), Relaxed) + bytes.len() <= QUEUED_BYTES
            && self.queue.try_send(Entry::Bytes(bytes.to_vec())).is_ok()
        {
            return true;
        }
        queued_bytes.fetch_sub(bytes.len(), Relaxed);
        false
    }
}

/// Ends when the last stream is gone.
fn append(mut file: LogFile, writes: &Receiver<Entry>, counts: &Counts) {
    for write in writes {
        let bytes = match write {
            Entry::Bytes(bytes) => bytes,
            Entry::Mark(mark) => {
                drop(mark);
                continue;
            }
        };
        let lost = counts.dropped.swap(0, Relaxed);
        let told = lost == 0 || file.write(format!("[{lost} writes lost: {WHY_LOST}]\n").as_bytes()).is_ok();
        if !told {
            counts.dropped.fetch_add(lost, Relaxed);
        }
        if file.write(&bytes).is_err() {
            counts.dropped.fetch_add(1, Relaxed);
        }
        counts.queued_bytes.fetch_sub(bytes.len(), Relaxed);
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = bytes.get(..WRITE_BYTES).unwrap_or(bytes);
        if !self.shared.offer(taken) {
            self.shared.counts.dropped.fetch_add(1, Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_the_disk_is_bounded_and_what_is_lost_is_told() {
        let (queue, writes) = sync_channel(QUEUED_WRITES);
        let counts = Arc::<Counts>::default();
        let shared = Arc::new(Shared { queue, counts: Arc::clone(&counts) });
        let mut stream = LogStream { shared: Arc::clone(&shared) };
        let mut context = Context::from_waker(std::task::Waker::noop());
        // The disk stands still: nobody takes them.
        for _ in 0..QUEUED_WRITES {
            let written = Pin::new(&mut stream).poll_write(&mut context, &[b'x'; WRITE_BYTES * 2]);
            assert!(matches!(written, Poll::Ready(Ok(WRITE_BYTES))), "{written:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        drop((stream, shared));
        append(LogFile::open(&path, LogBounds::default()).unwrap(), &writes, &counts);
        let file = std::fs::read_to_string(path).unwrap();
        assert_eq!(file.matches('x').count(), QUEUED_BYTES);
        assert!(file.contains("[960 writes lost"), "of {QUEUED_WRITES}");
        assert_eq!(counts.queued_bytes.load(Relaxed), 0);
    }
}
