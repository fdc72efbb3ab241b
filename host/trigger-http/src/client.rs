//! Who is at the other end of a connection, written down once for all of its requests.

use http::HeaderValue;
use std::fmt;
use std::net::SocketAddr;

#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    /// The same, as components are told.
    pub header: HeaderValue,
}

impl From<SocketAddr> for Client {
    fn from(address: SocketAddr) -> Self {
        let header = HeaderValue::try_from(address.to_string()).unwrap_or(HeaderValue::from_static(""));
        Self { address, header }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
