//! What the deployment decides about clients: how long they may be slow, how much they may hold, and whom they may speak for.

use crate::forwarded::Proxies;
use std::time::Duration;

/// Each has a default that suits a host on the public Internet.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Open connections at once; the idlest makes room for the next.
    pub max_connections: usize,
    /// Percent of a component's places, and of its queue, that one client address may have.
    pub client_share: usize,
    /// The same for one connection.
    pub connection_share: usize,
    /// Bytes that the host holds for all clients together: bodies on their way in and answers on their way out.
    pub memory: usize,
    /// How far behind the least rate a client may be with its body.
    pub body_wait: Duration,
    /// Bytes a second, of bodies that arrive and answers that are read.
    pub rate: u64,
    /// The same for reading an answer.
    pub reader_wait: Duration,
    /// Whom the host believes for whom they ask.
    pub proxies: Proxies,
    /// Answers are compressed where clients accept it.
    pub compression: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            client_share: 75,
            connection_share: 50,
            memory: 64 << 20,
            body_wait: Duration::from_secs(10),
            rate: 500,
            reader_wait: Duration::from_secs(30),
            proxies: Proxies::default(),
            compression: true,
        }
    }
}
