//! The open connections. When there are too many, those that no component works for make room, so that accepting never rests.

use crate::wait;
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A part of all connections that makes room at once: a flood then costs one look at all of them for many of its connections.
const BATCH: usize = 64;

/// How soon it is looked again whether a connection could make room.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(crate) struct Sockets {
    most: usize,
    ids: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Socket>>>,
    /// Woken when one is closed.
    freed: Notify,
}

/// One connection.
pub(crate) struct Socket {
    pub id: u64,
    pub client: IpAddr,
    /// When it was opened, or last asked for something.
    since: AtomicU64,
    /// When something of a body last went either way.
    moved: AtomicU64,
    /// Requests that a component works for.
    working: AtomicUsize,
    /// Answers that are on their way, or have been said and not been read.
    answers: AtomicUsize,
    leaves: AtomicBool,
    leave: Notify,
}

impl Socket {
    fn new(id: u64, client: IpAddr) -> Self {
        let now = wait::now();
        Self {
            id,
            client,
            since: AtomicU64::new(now),
            moved: AtomicU64::new(now),
            working: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            leaves: AtomicBool::new(false),
            leave: Notify::new(),
        }
    }

    pub fn begin_work(&self) {
        self.working.fetch_add(1, Relaxed);
        let now = wait::now();
        self.since.store(now, Relaxed);
        self.moved.store(now, Relaxed);
    }

    pub fn end_work(&self) {
        self.working.fetch_sub(1, Relaxed);
    }

    pub fn moved(&self) {
        self.moved.store(wait::now(), Relaxed);
    }

    pub fn begin_answer(&self) {
        self.answers.fetch_add(1, Relaxed);
    }

    pub fn end_answer(&self) {
        self.answers.fetch_sub(1, Relaxed);
    }

    /// It has answers to read, or `is_closing`; no component works for it, and nothing has moved for so long.
    pub fn rests_for(&self, time: Duration, is_closing: bool) -> bool {
        let rest = wait::now().saturating_sub(self.moved.load(Relaxed));
        let has_answers = is_closing || self.answers.load(Relaxed) > 0;
        has_answers && self.working.load(Relaxed) == 0 && u128::from(rest) > time.as_millis()
    }

    fn may_leave(&self) -> bool {
        self.working.load(Relaxed) == 0 && !self.leaves.load(Relaxed)
    }

    fn leave(&self) {
        self.leaves.store(true, Relaxed);
        self.leave.notify_one();
    }

    /// Resolves when it must make room.
    pub async fn must_leave(&self) {
        self.leave.notified().await;
    }
}

/// A connection's place among the open ones, until it is dropped.
pub(crate) struct Open {
    pub socket: Arc<Socket>,
    sockets: Arc<Sockets>,
}

impl Sockets {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), ids: AtomicU64::new(0), open: Mutex::default(), freed: Notify::new() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Socket>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits only while components work for all of the others.
    pub async fn enter(self: &Arc<Self>, client: IpAddr) -> Open {
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(open) = self.try_enter(client) {
                return open;
            }
            drop(tokio::time::timeout(LOOK_AGAIN, freed).await);
        }
    }

    fn try_enter(self: &Arc<Self>, client: IpAddr) -> Option<Open> {
        let mut open = self.open();
        if open.len() >= self.most {
            make_room(&open, self.most);
            return None;
        }
        let socket = Arc::new(Socket::new(self.ids.fetch_add(1, Relaxed) + 1, client));
        open.insert(socket.id, Arc::clone(&socket));
        Some(Open { socket, sockets: Arc::clone(self) })
    }

    /// The process is out of file descriptors.
    pub fn make_room(&self) {
        let open = self.open();
        make_room(&open, open.len());
    }
}

/// Those of the client that has most of them, the longest without a request first.
fn make_room(open: &HashMap<u64, Arc<Socket>>, most: usize) {
    let mut of_clients: HashMap<IpAddr, Vec<&Arc<Socket>>> = HashMap::new();
    for socket in open.values().filter(|socket| socket.may_leave()) {
        of_clients.entry(socket.client).or_default().push(socket);
    }
    let Some(mut idle) = of_clients.into_values().max_by_key(Vec::len) else { return };
    idle.sort_by_key(|socket| socket.since.load(Relaxed));
    for socket in idle.iter().take((most / BATCH).max(1)) {
        socket.leave();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.sockets.open().remove(&self.socket.id);
        self.sockets.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    async fn has_to_leave(open: &Open) -> bool {
        let mut leave = pin!(open.socket.must_leave());
        futures::poll!(leave.as_mut()).is_ready()
    }

    #[tokio::test]
    async fn the_client_with_most_connections_makes_room_with_its_oldest() {
        let sockets = Sockets::new(4);
        let other = sockets.enter(client(1)).await;
        let mut crowd = Vec::new();
        for _ in 0..3 {
            crowd.push(sockets.enter(client(2)).await);
        }
        crowd[0].socket.since.store(0, Relaxed);
        assert!(sockets.try_enter(client(3)).is_none());
        assert!(has_to_leave(&crowd[0]).await);
        assert!(!has_to_leave(&other).await && !has_to_leave(&crowd[1]).await);
        drop(crowd.remove(0));
        assert!(sockets.try_enter(client(3)).is_some());
    }

    #[tokio::test]
    async fn a_connection_that_a_component_works_for_stays() {
        let sockets = Sockets::new(1);
        let busy = sockets.enter(client(1)).await;
        busy.socket.begin_work();
        assert!(sockets.try_enter(client(2)).is_none());
        assert!(!has_to_leave(&busy).await);
        busy.socket.end_work();
        assert!(sockets.try_enter(client(2)).is_none());
        assert!(has_to_leave(&busy).await);
    }
}
