//! What the host holds for clients in memory, counted in all, by client and by component.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One client has a quarter of all at most, one component the half.
const CLIENT: usize = 4;
const COMPONENT: usize = 2;

pub(crate) struct Memory {
    most: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    all: usize,
    clients: HashMap<IpAddr, usize>,
    components: HashMap<Arc<str>, usize>,
}

/// For whom something is held.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub client: IpAddr,
    pub component: Arc<str>,
}

/// Whose bound there is no room below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    All,
    Client,
    Component,
}

impl Memory {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, used: Mutex::default() })
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lease(self: &Arc<Self>, owner: Owner) -> Lease {
        Lease { memory: Arc::clone(self), owner, bytes: 0 }
    }
}

impl Used {
    fn shortage(&self, owner: &Owner, more: usize, most: usize) -> Option<Short> {
        let has = |used: Option<&usize>| used.copied().unwrap_or(0).saturating_add(more);
        if has(self.clients.get(&owner.client)) > most / CLIENT {
            return Some(Short::Client);
        }
        if has(self.components.get(&owner.component)) > most / COMPONENT {
            return Some(Short::Component);
        }
        (self.all.saturating_add(more) > most).then_some(Short::All)
    }
}

fn add<K: Hash + Eq>(map: &mut HashMap<K, usize>, key: K, bytes: usize) {
    *map.entry(key).or_default() += bytes;
}

fn take<K: Hash + Eq>(map: &mut HashMap<K, usize>, key: &K, bytes: usize) {
    if let Some(used) = map.get_mut(key) {
        *used = used.saturating_sub(bytes);
        if *used == 0 {
            map.remove(key);
        }
    }
}

/// Some bytes of it, until it is dropped.
pub(crate) struct Lease {
    memory: Arc<Memory>,
    owner: Owner,
    bytes: usize,
}

impl Lease {
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    pub fn grow(&mut self, bytes: usize) -> Result<(), Short> {
        let mut used = self.memory.used();
        match used.shortage(&self.owner, bytes, self.memory.most) {
            Some(short) => Err(short),
            None => {
                used.add(&self.owner, bytes);
                self.bytes += bytes;
                Ok(())
            }
        }
    }

    /// What is there already and can not be refused.
    pub fn force(&mut self, bytes: usize) {
        self.memory.used().add(&self.owner, bytes);
        self.bytes += bytes;
    }

    pub fn has_room(&self, bytes: usize) -> bool {
        self.memory.used().shortage(&self.owner, bytes, self.memory.most).is_none()
    }

    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        if bytes > 0 {
            self.memory.used().remove(&self.owner, bytes);
            self.bytes -= bytes;
        }
    }
}

impl Used {
    fn add(&mut self, owner: &Owner, bytes: usize) {
        if bytes > 0 {
            self.all += bytes;
            add(&mut self.clients, owner.client, bytes);
            add(&mut self.components, Arc::clone(&owner.component), bytes);
        }
    }

    fn remove(&mut self, owner: &Owner, bytes: usize) {
        self.all = self.all.saturating_sub(bytes);
        take(&mut self.clients, &owner.client, bytes);
        take(&mut self.components, &owner.component, bytes);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(client: u8, component: &str) -> Owner {
        Owner { client: IpAddr::from([192, 0, 2, client]), component: component.into() }
    }

    #[test]
    fn a_client_a_component_and_all_together_have_a_bound_each() {
        let memory = Memory::new(800);
        let mut leases: Vec<Lease> = (0..5).map(|_| memory.lease(owner(1, "a"))).collect();
        assert_eq!(leases[0].grow(200), Ok(()));
        assert_eq!(leases[1].grow(1), Err(Short::Client));
        let mut second = memory.lease(owner(2, "a"));
        assert_eq!(second.grow(200), Ok(()));
        assert_eq!(memory.lease(owner(3, "a")).grow(1), Err(Short::Component));
        let (mut third, mut fourth) = (memory.lease(owner(3, "b")), memory.lease(owner(4, "b")));
        assert_eq!((third.grow(200), fourth.grow(200)), (Ok(()), Ok(())));
        assert_eq!(memory.lease(owner(5, "c")).grow(1), Err(Short::All));
        drop((leases, second, third, fourth));
        let used = memory.used();
        assert_eq!((used.all, used.clients.len(), used.components.len()), (0, 0, 0), "all is given back");
    }

    #[test]
    fn what_is_read_is_given_back() {
        let memory = Memory::new(400);
        let mut lease = memory.lease(owner(1, "a"));
        lease.grow(100).unwrap();
        assert!(!lease.has_room(1));
        lease.shrink(60);
        assert!(lease.has_room(60) && !lease.has_room(61));
        lease.shrink(1000);
        assert_eq!(memory.used().all, 0);
    }
}
