//! For whom a proxy asks: believed where the deployment trusts the peer, and only in the header that its proxies write.

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// The header in which the deployment's proxies name their clients. A proxy passes on what clients say in the other one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// Whom the host believes for whom they ask; by default nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    pub trusted: Vec<IpNet>,
    pub header: ForwardedHeader,
}

impl Proxies {
    /// An address that was read from a header, or of a peer, and is one of ours.
    pub fn trusts(&self, address: IpAddr) -> bool {
        !self.trusted.is_empty() && self.trusted.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// The client of a request that a trusted peer sent: the last address that is not a trusted proxy's. `None` where the
    /// header names none; beyond what can not be read nobody is believed.
    pub fn client(&self, headers: &HeaderMap) -> Option<SocketAddr> {
        let name = match self.header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => FORWARDED,
        };
        let mut last = None;
        for value in headers.get_all(name).iter().rev() {
            for hop in hops(value).into_iter().rev() {
                let node = match self.header {
                    ForwardedHeader::XForwardedFor => Some(hop),
                    ForwardedHeader::Forwarded => node_of(hop),
                };
                let Some(address) = node.and_then(address) else { return last };
                if !self.trusts(address.ip()) {
                    return Some(address);
                }
                last = Some(address);
            }
        }
        last
    }
}

/// The elements of a list; a comma in quotes is none of its.
fn hops(value: &HeaderValue) -> Vec<&str> {
    let Ok(text) = value.to_str() else { return vec![""] };
    let mut quoted = false;
    text.split(move |character: char| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
    .map(str::trim)
    .collect()
}

/// `for=` of a forwarded element.
fn node_of(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim();
    Some(node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`; a port that is not told is 0.
fn address(node: &str) -> Option<SocketAddr> {
    if let Ok(address) = node.parse::<SocketAddr>() {
        return Some(SocketAddr::new(address.ip().to_canonical(), address.port()));
    }
    let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']')).unwrap_or(node);
    bare.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address.to_canonical(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ForwardedHeader, lines: &[&str]) -> Option<String> {
        let trusted = ["10.0.0.0/8", "2001:db8:f::/48"].map(|network| network.parse().unwrap()).to_vec();
        let name = if header == ForwardedHeader::Forwarded { FORWARDED } else { X_FORWARDED_FOR };
        let lines = lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap()));
        Proxies { trusted, header }.client(&lines.collect()).map(|address| address.to_string())
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_of_ours() {
        let of = |lines: &[&str]| client(ForwardedHeader::XForwardedFor, lines);
        assert_eq!(of(&["203.0.113.7"]).as_deref(), Some("203.0.113.7:0"));
        assert_eq!(
            of(&["6.6.6.6, 203.0.113.7, 10.1.1.1"]).as_deref(),
            Some("203.0.113.7:0"),
            "the left is the client's word"
        );
        assert_eq!(of(&["6.6.6.6", "203.0.113.7,10.1.1.1"]).as_deref(), Some("203.0.113.7:0"), "lines are one list");
        assert_eq!(of(&["10.2.2.2, 10.1.1.1"]).as_deref(), Some("10.2.2.2:0"), "all are ours: the first of them");
        assert_eq!(of(&["203.0.113.7:4711"]).as_deref(), Some("203.0.113.7:4711"));
        assert_eq!(of(&["[2001:db8::1]:80"]).as_deref(), Some("[2001:db8::1]:80"));
        assert_eq!(of(&["2001:db8::1, 2001:db8:f::9"]).as_deref(), Some("[2001:db8::1]:0"));
        assert_eq!(of(&["::ffff:203.0.113.7"]).as_deref(), Some("203.0.113.7:0"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn beyond_what_can_not_be_read_nobody_is_believed() {
        let of = |lines: &[&str]| client(ForwardedHeader::XForwardedFor, lines);
        assert_eq!(of(&["6.6.6.6, nonsense"]), None);
        assert_eq!(of(&["6.6.6.6, , 10.1.1.1"]).as_deref(), Some("10.1.1.1:0"));
        assert_eq!(of(&["unknown, 10.1.1.1"]).as_deref(), Some("10.1.1.1:0"));
    }

    #[test]
    fn forwarded_as_the_standard_writes_it() {
        let of = |lines: &[&str]| client(ForwardedHeader::Forwarded, lines);
        assert_eq!(of(&["for=192.0.2.60;proto=http;by=203.0.113.43"]).as_deref(), Some("192.0.2.60:0"));
        assert_eq!(of(&["For=\"[2001:db8:cafe::17]:4711\""]).as_deref(), Some("[2001:db8:cafe::17]:4711"));
        assert_eq!(of(&["for=6.6.6.6, for=192.0.2.43;host=\"a,b\", for=10.0.0.1"]).as_deref(), Some("192.0.2.43:0"));
        assert_eq!(of(&["for=6.6.6.6, for=_hidden, for=10.0.0.1"]).as_deref(), Some("10.0.0.1:0"));
        assert_eq!(of(&["for=6.6.6.6, proto=https"]), None);
    }
}
