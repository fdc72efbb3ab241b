//! Which addresses are not the public Internet: reaching them needs an entry of their own in the allow-list, and an
//! operator can block them whatever the list says.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// Loopback, private, link-local (where clouds keep their credentials), carrier-grade NAT, multicast, reserved:
/// the IANA special-purpose registries, RFC 6890.
const SPECIAL: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "64:ff9b:1::/48",
    "100::/64",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// The networks, parsed once.
#[derive(Clone, Debug)]
pub struct SpecialNetworks(Vec<IpNet>);

impl Default for SpecialNetworks {
    fn default() -> Self {
        Self(SPECIAL.iter().filter_map(|network| network.parse().ok()).collect())
    }
}

impl SpecialNetworks {
    /// Looks through the ways of writing an IPv4 address as IPv6, which would otherwise be ways around this check.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => embedded(v6).unwrap_or(address),
        IpAddr::V4(_) => address,
    }
}

/// What the operator forbids to every component (`block_networks` of the runtime config).
#[derive(Clone, Debug, Default)]
pub struct BlockedNetworks {
    networks: Vec<IpNet>,
    /// `private`: all of [`SpecialNetworks`].
    special: bool,
}

impl BlockedNetworks {
    /// Each entry is a network in CIDR notation, an address, or `private`.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        let mut blocked = Self::default();
        for entry in entries {
            match (entry.as_str(), entry.parse::<IpNet>(), entry.parse::<IpAddr>()) {
                ("private", ..) => blocked.special = true,
                (_, Ok(network), _) => blocked.networks.push(network),
                (_, _, Ok(address)) => blocked.networks.push(IpNet::from(address)),
                _ => {
                    return Err(format!(
                        "`{entry}` is no network to block; write one like \"10.0.0.0/8\", or \"private\""
                    ));
                }
            }
        }
        Ok(blocked)
    }

    pub fn contain(&self, address: IpAddr, special: &SpecialNetworks) -> bool {
        let plain = plain(address);
        let listed = |address: IpAddr| self.networks.iter().any(|network| network.contains(&address));
        listed(address) || listed(plain) || (self.special && special.contain(address))
    }
}

/// IPv4-mapped (`::ffff:0:0/96`), IPv4-compatible (`::/96`), NAT64 (`64:ff9b::/96`) and 6to4 (`2002::/16`) addresses.
fn embedded(v6: Ipv6Addr) -> Option<IpAddr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::from(((u32::from(high) << 16) | u32::from(low)).to_be_bytes());
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(v4(g, h)),
        (0, 0, 0, 0, 0, 0) if g != 0 => Some(v4(g, h)),
        (0x2002, ..) => Some(v4(b, c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_written_correctly() {
        assert_eq!(SpecialNetworks::default().0.len(), SPECIAL.len());
    }

    #[test]
    fn tells_the_internet_from_what_is_near() {
        let special = SpecialNetworks::default();
        for near in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "fd00::1",
            "fe80::1",
            "255.255.255.255",
        ] {
            assert!(special.contain(near.parse().unwrap()), "{near}");
        }
        for far in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"] {
            assert!(!special.contain(far.parse().unwrap()), "{far}");
        }
    }

    #[test]
    fn blocks_what_it_is_told_however_it_is_written() {
        let special = SpecialNetworks::default();
        let blocked = BlockedNetworks::parse(&["8.8.0.0/16".to_owned(), "2606:4700::1111".to_owned()]).unwrap();
        for (address, is_blocked) in
            [("8.8.8.8", true), ("::ffff:8.8.8.8", true), ("2606:4700::1111", true), ("127.0.0.1", false)]
        {
            assert_eq!(blocked.contain(address.parse().unwrap(), &special), is_blocked, "{address}");
        }
        let private = BlockedNetworks::parse(&["private".to_owned()]).unwrap();
        assert!(private.contain("10.0.0.1".parse().unwrap(), &special));
        assert!(!private.contain("8.8.8.8".parse().unwrap(), &special));
        assert!(BlockedNetworks::parse(&["localhost".to_owned()]).unwrap_err().contains("`localhost`"));
    }
}
