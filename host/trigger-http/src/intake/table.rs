//! The requests that wait for their bodies. When the memory for them is used up, the oldest makes room: it has had the most time.

use super::{Failure, Part};
use crate::memory::{Lease, Owner, Short};
use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::Frame;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

#[derive(Default)]
pub(crate) struct Table {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// In the order in which they came.
    entries: BTreeMap<u64, Arc<Row>>,
    next: u64,
}

struct Row {
    owner: Owner,
    /// `None` once it has made room.
    held: Mutex<Option<(Part, Lease)>>,
    waker: AtomicWaker,
}

/// One request's row, until it is dropped.
pub(crate) struct Entry {
    table: Arc<Table>,
    number: u64,
    row: Arc<Row>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    pub fn enter(self: &Arc<Self>, lease: Lease, mut part: Part, overhead: usize) -> Result<Entry, Failure> {
        part.detach();
        let owner = lease.owner().clone();
        let lease = self.lease(lease, overhead.saturating_add(part.len))?;
        let row = Arc::new(Row { owner, held: Mutex::new(Some((part, lease))), waker: AtomicWaker::new() });
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        waiting.entries.insert(number, Arc::clone(&row));
        Ok(Entry { table: Arc::clone(self), number, row })
    }

    /// So many bytes more, for which others may have to make room.
    pub fn lease(&self, mut lease: Lease, bytes: usize) -> Result<Lease, Failure> {
        while let Err(short) = lease.grow(bytes) {
            if !self.make_room(lease.owner(), short) {
                return Err(Failure::NoRoom);
            }
        }
        Ok(lease)
    }

    /// False when nobody waits who could.
    fn make_room(&self, owner: &Owner, short: Short) -> bool {
        let oldest = {
            let mut waiting = lock(&self.waiting);
            let concerns = |row: &Row| match short {
                Short::Client => row.owner.client == owner.client,
                Short::Component => row.owner.component == owner.component,
                Short::All => true,
            };
            let number = waiting.entries.iter().find(|(_, row)| concerns(row)).map(|(&number, _)| number);
            number.and_then(|number| waiting.entries.remove(&number))
        };
        let Some(oldest) = oldest else { return false };
        drop(lock(&oldest.held).take());
        oldest.waker.wake();
        true
    }
}

impl Entry {
    /// False when it had to make room; `waker` is woken when that happens.
    pub fn is_here(&self, waker: &Waker) -> bool {
        self.row.waker.register(waker);
        lock(&self.row.held).is_some()
    }

    pub fn is_enough(&self, least: usize) -> bool {
        lock(&self.row.held).as_ref().is_some_and(|(part, _)| part.is_enough(least))
    }

    /// Others may have to make room for it, or it itself, when it is the oldest.
    pub fn add(&self, frame: Option<Frame<Bytes>>) -> Result<(), Failure> {
        let bytes = frame.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
        let Some((part, lease)) = lock(&self.row.held).take() else { return Err(Failure::NoRoom) };
        let lease = self.table.lease(lease, bytes)?;
        if !lock(&self.table.waiting).entries.contains_key(&self.number) {
            return Err(Failure::NoRoom);
        }
        let mut part = part;
        part.add(frame);
        part.detach();
        *lock(&self.row.held) = Some((part, lease));
        Ok(())
    }

    /// What has arrived; `None` when it had to make room.
    pub fn take(self) -> Option<(Part, Lease)> {
        lock(&self.row.held).take()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.table.waiting).entries.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use std::net::IpAddr;

    fn owner(client: u8) -> Owner {
        Owner { client: IpAddr::from([192, 0, 2, client]), component: "a".into() }
    }

    fn data(bytes: usize) -> Option<Frame<Bytes>> {
        Some(Frame::data(Bytes::from(vec![0; bytes])))
    }

    #[test]
    fn the_oldest_body_of_a_client_makes_room_for_its_next() {
        let (table, memory) = (Arc::new(Table::default()), Memory::new(4000));
        let waker = futures::task::noop_waker();
        let other = table.enter(memory.lease(owner(2)), Part::default(), 100).unwrap();
        let old = table.enter(memory.lease(owner(1)), Part::default(), 100).unwrap();
        let new = table.enter(memory.lease(owner(1)), Part::default(), 100).unwrap();
        old.add(data(300)).unwrap();
        new.add(data(600)).unwrap();
        assert!(!old.is_here(&waker), "700 of 1000 bytes are the new one's, and the old one had 400");
        assert!(new.is_here(&waker) && other.is_here(&waker));
        assert_eq!(new.take().map(|(part, _)| part.len), Some(600));
        assert!(matches!(old.add(data(1)), Err(Failure::NoRoom)));
    }

    #[test]
    fn what_is_larger_than_all_room_is_refused() {
        let (table, memory) = (Arc::new(Table::default()), Memory::new(4000));
        let only = table.enter(memory.lease(owner(1)), Part::default(), 100).unwrap();
        assert!(matches!(only.add(data(1000)), Err(Failure::NoRoom)));
        assert!(table.enter(memory.lease(owner(1)), Part::default(), 1000).is_ok(), "it has given everything back");
    }
}
