//! How many connections the application may have open at a time.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// A limit of its own kind (HTTP, sockets) and the one over all kinds. Without limits nothing waits.
#[derive(Clone, Default)]
pub struct ConnectionLimits {
    kind: Option<Arc<Semaphore>>,
    total: Option<Arc<Semaphore>>,
}

/// Held as long as the connection is open.
pub struct ConnectionPermit {
    _kind: Option<OwnedSemaphorePermit>,
    _total: Option<OwnedSemaphorePermit>,
}

impl ConnectionLimits {
    /// Limits of all kinds share `total`.
    pub fn new(kind: Option<usize>, total: Option<Arc<Semaphore>>) -> Self {
        Self { kind: kind.map(|count| Arc::new(Semaphore::new(bounded(count)))), total }
    }

    /// The limit over all kinds.
    pub fn total(count: Option<usize>) -> Option<Arc<Semaphore>> {
        count.map(|count| Arc::new(Semaphore::new(bounded(count))))
    }

    /// Waits for a place. First the narrower limit, so that a kind that is full takes no place from the others.
    pub async fn acquire(&self) -> Result<ConnectionPermit, AcquireError> {
        Ok(ConnectionPermit { _kind: acquire(self.kind.as_ref()).await?, _total: acquire(self.total.as_ref()).await? })
    }

    /// A place, if there is one now.
    pub fn try_acquire(&self) -> Option<ConnectionPermit> {
        Some(ConnectionPermit { _kind: try_acquire(self.kind.as_ref())?, _total: try_acquire(self.total.as_ref())? })
    }
}

fn bounded(count: usize) -> usize {
    count.min(Semaphore::MAX_PERMITS)
}

async fn acquire(limit: Option<&Arc<Semaphore>>) -> Result<Option<OwnedSemaphorePermit>, AcquireError> {
    match limit {
        Some(limit) => Arc::clone(limit).acquire_owned().await.map(Some),
        None => Ok(None),
    }
}

fn try_acquire(limit: Option<&Arc<Semaphore>>) -> Option<Option<OwnedSemaphorePermit>> {
    match limit {
        Some(limit) => Arc::clone(limit).try_acquire_owned().ok().map(Some),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_a_closed_connection_makes_room() {
        let total = ConnectionLimits::total(Some(2));
        let (http, sockets) = (ConnectionLimits::new(None, total.clone()), ConnectionLimits::new(Some(1), total));
        let socket = sockets.try_acquire().unwrap();
        assert!(sockets.try_acquire().is_none(), "one socket");
        let request = http.try_acquire().unwrap();
        assert!(http.try_acquire().is_none(), "two connections in all");
        drop((socket, request));
        assert!(sockets.try_acquire().is_some() && ConnectionLimits::default().try_acquire().is_some());
    }
}
