//! Changes are made beside the work: they hash, parse, write and sync whole components, and a worker that did so would let the
//! requests of everybody wait for it.

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Its thread could not be made, or panicked.
#[derive(Debug, thiserror::Error)]
#[error("its thread has gone")]
pub struct Gone;

/// Makes a change on a thread of its own, to its end, whether or not its result is still waited for.
///
/// The thread is as urgent as the workers: it shares locks of the process (the kernel's over its memory, too) with them.
pub async fn aside<T: Send + 'static>(change: impl Future<Output = T> + Send + 'static) -> Result<T, Gone> {
    let (told, result) = oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name("change".to_owned());
    // Who has gone needs no word.
    let spawned = thread.spawn(move || drop(told.send(runtime.block_on(change))));
    spawned.map_err(|_| Gone)?;
    result.await.map_err(|_| Gone)
}
