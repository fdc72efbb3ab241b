//! `allowed_outbound_hosts`: where a component may connect to, as `scheme://host[:port]`.
//!
//! Names under `.internal` are capabilities, not addresses: nothing matches `*.kobliat.internal` but the literal name, and
//! `*.spin.internal` is matched by name or by its own wildcard, never by `*`.

mod parse;

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use crate::template::Template;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemePattern {
    Any,
    /// Lower case.
    Only(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    Any,
    /// `*.example.com`, kept as `.example.com`.
    Subdomains(String),
    /// Lower case, without a final dot.
    Exact(String),
    /// `self`: the application's own public routes.
    ToSelf,
    /// A network; a single address is one of full length.
    Network(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortPattern {
    Any,
    Only(u16),
    /// Half-open, as Spin's `a..b`.
    Range(Range<u16>),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    pub scheme: SchemePattern,
    pub host: HostPattern,
    pub port: PortPattern,
    /// Whether a variable had a part in it; what an operator or tenant can set must not name the platform itself.
    pub templated: bool,
}

/// Everything that one component may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    entries: Vec<AllowedHost>,
}

impl AllowedHosts {
    /// Expands the templates of a manifest; an entry that expands to no host at all grants nothing, as in Spin.
    pub fn resolve<'t, E: From<String>>(
        entries: &'t [Template],
        mut expand: impl FnMut(&'t Template) -> Result<String, E>,
    ) -> Result<Self, E> {
        let mut resolved = Vec::new();
        for template in entries {
            let text = expand(template)?;
            let templated = template.literal().is_none();
            if templated && matches!(text.as_str(), "" | "http://" | "https://") {
                continue;
            }
            resolved.push(AllowedHost { templated, ..AllowedHost::parse(&text).map_err(E::from)? });
        }
        Ok(Self { entries: resolved })
    }

    pub fn entries(&self) -> &[AllowedHost] {
        &self.entries
    }

    /// Whether a connection is granted. `host` as in a URL: IPv6 with or without brackets, any letter case.
    pub fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let Some(host) = Host::of(host) else { return false };
        self.entries.iter().any(|entry| entry.allows(scheme, &host, port))
    }

    /// Whether it is granted by an entry that names the host or its network, not by a wildcard:
    /// only such an entry opens private networks.
    pub fn lists(&self, scheme: &str, host: &str, port: u16) -> bool {
        let Some(host) = Host::of(host) else { return false };
        let named = |entry: &&AllowedHost| matches!(entry.host, HostPattern::Exact(_) | HostPattern::Network(_));
        self.entries.iter().filter(named).any(|entry| entry.allows(scheme, &host, port))
    }

    /// The hosts that are granted by their names, whatever addresses these have.
    pub fn names<'a>(&'a self, scheme: &'a str, port: u16) -> impl Iterator<Item = &'a str> {
        let granted = move |entry: &&AllowedHost| entry.scheme.allows(scheme) && entry.port.allows(port);
        self.entries.iter().filter(granted).filter_map(|entry| match &entry.host {
            HostPattern::Exact(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether anything at all is granted to connections of this kind.
    pub fn has_scheme(&self, scheme: &str) -> bool {
        self.entries.iter().any(|entry| entry.scheme.allows(scheme) && entry.host != HostPattern::ToSelf)
    }

    /// Whether requests to the application's own public routes are granted (`http://self`).
    pub fn allows_self(&self, scheme: &str) -> bool {
        let to_self = |entry: &&AllowedHost| matches!(entry.host, HostPattern::Any | HostPattern::ToSelf);
        self.entries.iter().filter(to_self).any(|entry| entry.scheme.allows(scheme))
    }
}

/// The port that a URL without one means.
pub fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

impl AllowedHost {
    fn allows(&self, scheme: &str, host: &Host, port: u16) -> bool {
        self.scheme.allows(scheme) && self.port.allows(port) && self.allows_host(host)
    }

    fn allows_host(&self, host: &Host) -> bool {
        if host.is_under("kobliat.internal") {
            return !self.templated && matches!(&self.host, HostPattern::Exact(name) if *name == host.name);
        }
        match &self.host {
            HostPattern::Any => !host.is_under("spin.internal"),
            HostPattern::Subdomains(suffix) if host.is_under("spin.internal") => {
                suffix.ends_with(".spin.internal") && host.name.ends_with(suffix)
            }
            HostPattern::Subdomains(suffix) => host.name.ends_with(suffix),
            HostPattern::Exact(name) => *name == host.name,
            HostPattern::Network(network) => host.address.is_some_and(|address| network.contains(&address)),
            HostPattern::ToSelf => false,
        }
    }
}

impl SchemePattern {
    fn allows(&self, scheme: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => only.eq_ignore_ascii_case(scheme),
        }
    }
}

impl PortPattern {
    fn allows(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => *only == port,
            Self::Range(range) => range.contains(&port),
        }
    }
}

/// A host in the one spelling that is compared: `LOCALHOST.`, `[::1]` and `::ffff:10.0.0.1` all have several.
struct Host {
    name: String,
    address: Option<IpAddr>,
}

impl Host {
    fn of(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
        let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
        let address = name.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        (!name.is_empty() && !name.ends_with('.')).then_some(Self { name, address })
    }

    fn is_under(&self, domain: &str) -> bool {
        self.name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

#[cfg(test)]
mod tests;
