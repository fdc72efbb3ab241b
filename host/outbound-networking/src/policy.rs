//! The decision about one component's connection.

use std::net::IpAddr;
use std::sync::Arc;

use kobliat_manifest::AllowedHosts;

use crate::networks::{BlockedNetworks, SpecialNetworks};

/// What one component's connections may lead to. Cheap to clone.
#[derive(Clone, Default)]
pub struct Policy {
    allowed: Arc<AllowedHosts>,
    blocked: Arc<BlockedNetworks>,
    special: Arc<SpecialNetworks>,
    /// Private networks need no entry of their own.
    private: bool,
}

impl Policy {
    pub fn new(allowed: AllowedHosts, blocked: Arc<BlockedNetworks>) -> Self {
        Self { allowed: Arc::new(allowed), blocked, special: Arc::default(), private: false }
    }

    /// Wildcards mean private networks, too. What the operator blocks stays blocked.
    #[must_use]
    pub fn with_private_networks(self, private: bool) -> Self {
        Self { private, ..self }
    }

    pub fn allowed(&self) -> &AllowedHosts {
        &self.allowed
    }

    /// Whether the address that `host` turned out to have may be connected to. That `host` is allowed was checked before.
    ///
    /// A private address needs an entry that names the host or the address; what the operator blocks, no entry opens.
    pub fn permits(&self, scheme: &str, host: &str, address: IpAddr, port: u16) -> bool {
        if self.blocked.contain(address, &self.special) {
            return false;
        }
        self.private
            || !self.special.contain(address)
            || self.allowed.lists(scheme, host, port)
            || self.allowed.lists(scheme, &address.to_string(), port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(entries: &[&str], blocked: &[&str]) -> Policy {
        let entries: Vec<_> = entries.iter().map(|entry| kobliat_manifest::Template::parse(entry).unwrap()).collect();
        let allowed = AllowedHosts::resolve(&entries, |entry| Ok::<_, String>(entry.literal().unwrap().to_owned()));
        let blocked: Vec<_> = blocked.iter().map(|entry| (*entry).to_owned()).collect();
        Policy::new(allowed.unwrap(), Arc::new(BlockedNetworks::parse(&blocked).unwrap()))
    }

    fn permits(policy: &Policy, host: &str, address: &str) -> bool {
        policy.permits("https", host, address.parse().unwrap(), 443)
    }

    #[test]
    fn a_wildcard_leads_to_the_internet_only() {
        let policy = policy(&["https://*"], &[]);
        assert!(permits(&policy, "example.com", "93.184.216.34"));
        for near in ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1"] {
            assert!(!permits(&policy, "example.com", near), "{near}");
        }
    }

    #[test]
    fn a_name_or_a_network_that_is_listed_may_be_private() {
        assert!(permits(&policy(&["https://db.example.com"], &[]), "db.example.com", "10.0.0.1"));
        assert!(permits(&policy(&["https://*", "https://10.0.0.0/8"], &[]), "any.example.com", "10.0.0.1"));
    }

    #[test]
    fn a_switch_opens_private_networks_for_wildcards() {
        let open = policy(&["https://*"], &["10.9.0.0/16"]).with_private_networks(true);
        assert!(permits(&open, "example.com", "10.0.0.1") && permits(&open, "127.0.0.1", "127.0.0.1"));
        assert!(!permits(&open, "example.com", "10.9.0.1"), "the operator's word is the last");
        assert!(!permits(&policy(&["https://*"], &[]).with_private_networks(false), "example.com", "10.0.0.1"));
    }

    #[test]
    fn what_the_operator_blocks_no_entry_opens() {
        let policy = policy(&["https://db.example.com", "https://*"], &["private", "93.184.0.0/16"]);
        assert!(!permits(&policy, "db.example.com", "10.0.0.1"));
        assert!(!permits(&policy, "example.com", "93.184.216.34"));
        assert!(permits(&policy, "example.com", "1.1.1.1"));
    }
}
