//! Who has which places of one component: a share for each client and connection, so that nobody has all of them.

mod hold;

use crate::rules::Rules;
use crate::sockets::Socket;
pub(crate) use hold::Hold;
use kobliat_engine::Room;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// A component with few places gives all of them to one client: there are as good as none to share out.
const UNSHARED: usize = 16;

#[derive(Default)]
pub(crate) struct Places {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: HashMap<Key, usize>,
    holds: Slab<Arc<Hold>>,
    /// Requests of clients that have their share, in their order.
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Client(IpAddr),
    Connection(u64),
}

/// Whose a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub client: IpAddr,
    /// `None` where the connection is a proxy's, which has many clients.
    pub connection: Option<u64>,
}

impl Whose {
    /// Whether both count as one's.
    pub fn is_related(&self, other: &Self) -> bool {
        self.client == other.client || (self.connection.is_some() && self.connection == other.connection)
    }
}

/// How many of a component's places and of its queue one may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    client: usize,
    connection: usize,
    queue: usize,
    all_queue: usize,
    /// Bytes a second that are fast enough.
    rate: u64,
}

impl Shares {
    pub fn of(room: &Room, rules: &Rules) -> Self {
        let share = |of: usize, percent: usize| (of.saturating_mul(percent) / 100).max(UNSHARED).min(of);
        // Where one may have all places, the component's own queue says who is next.
        let places =
            |percent| Some(share(room.places, percent)).filter(|most| *most < room.places).unwrap_or(usize::MAX);
        Self {
            client: places(rules.client_share),
            connection: places(rules.connection_share),
            queue: share(room.queue, rules.client_share),
            all_queue: room.queue,
            rate: rules.rate,
        }
    }
}

struct Waiting {
    whose: Whose,
    socket: Arc<Socket>,
    shares: Shares,
    admitted: oneshot::Sender<Claim>,
}

/// Whoever asks has as many places as it may have, and as many requests that wait for one.
pub(crate) struct Full;

/// A request's place, until it is dropped.
pub(crate) struct Claim {
    places: Arc<Places>,
    key: usize,
    hold: Arc<Hold>,
}

impl Claim {
    pub fn hold(&self) -> &Arc<Hold> {
        &self.hold
    }
}

impl Places {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while its client has its share of places.
    pub async fn claim(self: &Arc<Self>, whose: Whose, socket: &Arc<Socket>, shares: Shares) -> Result<Claim, Full> {
        let admitted = {
            let mut state = self.state();
            if state.has_share(&whose, &shares) {
                return Ok(self.admit(&mut state, whose, Arc::clone(socket), shares.rate));
            }
            if !state.may_wait(&whose, &shares) {
                return Err(Full);
            }
            let (sender, admitted) = oneshot::channel();
            state.waiting.push_back(Waiting { whose, socket: Arc::clone(socket), shares, admitted: sender });
            admitted
        };
        admitted.await.map_err(|_| Full)
    }

    fn admit(self: &Arc<Self>, state: &mut State, whose: Whose, socket: Arc<Socket>, rate: u64) -> Claim {
        for key in keys(&whose) {
            *state.running.entry(key).or_default() += 1;
        }
        let hold = Arc::new(Hold::new(whose, socket, rate));
        let key = state.holds.insert(Arc::clone(&hold));
        Claim { places: Arc::clone(self), key, hold }
    }

    fn release(self: &Arc<Self>, key: usize, whose: &Whose) {
        let mut unwanted = Vec::new();
        let mut state = self.state();
        state.holds.try_remove(key);
        for key in keys(whose) {
            state.forget(key);
        }
        while let Some(next) = state.next_waiting() {
            let claim = self.admit(&mut state, next.whose, next.socket, next.shares.rate);
            // Whoever has gone meanwhile gives its place back, once the table is free.
            unwanted.extend(next.admitted.send(claim).err());
        }
        drop(state);
    }

    /// Who has a place, and who waits for one.
    pub fn look(&self) -> (Vec<Arc<Hold>>, Vec<Whose>) {
        let state = self.state();
        let holds = state.holds.iter().map(|(_, hold)| Arc::clone(hold)).collect();
        let waiting = state.waiting.iter().filter(|waiting| !waiting.admitted.is_closed());
        (holds, waiting.map(|waiting| waiting.whose).collect())
    }
}

fn keys(whose: &Whose) -> impl Iterator<Item = Key> + use<> {
    [Some(Key::Client(whose.client)), whose.connection.map(Key::Connection)].into_iter().flatten()
}

impl State {
    fn has_share(&self, whose: &Whose, shares: &Shares) -> bool {
        keys(whose).all(|key| {
            let most = if matches!(key, Key::Client(_)) { shares.client } else { shares.connection };
            self.running.get(&key).copied().unwrap_or(0) < most
        })
    }

    fn may_wait(&mut self, whose: &Whose, shares: &Shares) -> bool {
        self.waiting.retain(|waiting| !waiting.admitted.is_closed());
        let own = self.waiting.iter().filter(|waiting| waiting.whose.client == whose.client).count();
        own < shares.queue && self.waiting.len() < shares.all_queue
    }

    /// The first that may have a place now; those that have gone are left out.
    fn next_waiting(&mut self) -> Option<Waiting> {
        if self.waiting.is_empty() {
            return None;
        }
        self.waiting.retain(|waiting| !waiting.admitted.is_closed());
        let at = self.waiting.iter().position(|waiting| self.has_share(&waiting.whose, &waiting.shares))?;
        self.waiting.remove(at)
    }

    fn forget(&mut self, key: Key) {
        if let Some(running) = self.running.get_mut(&key) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(&key);
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.hold.socket().end_work();
        self.places.release(self.key, self.hold.whose());
    }
}

#[cfg(test)]
mod tests;
