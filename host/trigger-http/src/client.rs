//! Who is at the other end: of a connection, written down once for all of its requests, and of a request that a proxy passes on.

use crate::forwarded::Proxies;
use crate::places::Whose;
use crate::sockets::Socket;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    /// Where it has come to.
    pub(crate) local: SocketAddr,
    /// `address`, as components are told.
    pub header: HeaderValue,
    pub(crate) whose: Whose,
    pub(crate) socket: Arc<Socket>,
    is_proxy: bool,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, local: SocketAddr, socket: &Arc<Socket>, proxies: &Proxies) -> Self {
        let is_proxy = proxies.trusts(address.ip());
        let connection = (!is_proxy).then_some(socket.id);
        let whose = Whose { client: subscriber(address.ip()), connection };
        Self { address, local, header: told(address), whose, socket: Arc::clone(socket), is_proxy }
    }

    /// For whom the request was sent: the peer, or the client that a trusted proxy names.
    pub(crate) fn of_request(&self, headers: &HeaderMap, proxies: &Proxies) -> Self {
        let named = if self.is_proxy { proxies.client(headers) } else { None };
        let Some(address) = named else { return self.clone() };
        let whose = Whose { client: subscriber(address.ip()), connection: None };
        Self { address, header: told(address), whose, ..self.clone() }
    }
}

fn told(address: SocketAddr) -> HeaderValue {
    HeaderValue::try_from(address.to_string()).unwrap_or(HeaderValue::from_static(""))
}

/// What counts as one client. Whoever has one address of version 6 has the 2^64 that begin like it.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_version_6_is_one_client() {
        let of = |text: &str| subscriber(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:aaaa::1"), of("2001:db8:1:2:bbbb::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
