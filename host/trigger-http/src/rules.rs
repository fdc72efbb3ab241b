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
    /// How long a client may keep the host waiting for its body, before the least rate counts.
    pub body_wait: Duration,
    /// Bytes a second, of bodies that arrive and answers that are read.
    pub rate: u64,
    /// How long a client may leave an answer unread, before the least rate counts.
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

impl Rules {
    /// A client that has kept us waiting for longer, with so many bytes moved in all, is too slow.
    pub(crate) fn patience_ms(&self, wait: Duration, bytes: u64) -> u64 {
        let earned = bytes.saturating_mul(1000) / self.rate.max(1);
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(earned)
    }
}
