//! `[http]`: what clients may do, and whom the host believes for whom they ask.

use crate::error::StartError;
use ipnet::IpNet;
use kobliat_trigger_http::{ForwardedHeader, Proxies, Rules};
use serde::Deserialize;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is left out is as in [`Rules`].
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Networks or addresses, like `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    pub forwarded_header: Header,
    pub max_connections: Option<u64>,
    pub client_share_percent: Option<u64>,
    pub connection_share_percent: Option<u64>,
    pub buffer_mib: Option<u64>,
    pub body_timeout_ms: Option<u64>,
    pub reader_timeout_ms: Option<u64>,
    pub min_bytes_per_second: Option<u64>,
    /// On unless said otherwise.
    pub compression: Option<bool>,
}

/// The one that the proxies write.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// An hour: far from the overflow of any sum.
const LONGEST_MS: u64 = 60 * 60 * 1000;

impl Http {
    /// `descriptors`: the files that the process may have open.
    pub fn rules(&self, descriptors: u64) -> Result<Rules, StartError> {
        let default = Rules::default();
        let milliseconds = |key, value, default| {
            Ok::<_, StartError>(within(key, value, 1..=LONGEST_MS)?.map_or(default, Duration::from_millis))
        };
        let number = |key, value: Option<u64>, range, default| {
            let number = within(key, value, range)?;
            Ok::<_, StartError>(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
        };
        Ok(Rules {
            max_connections: self.connections(descriptors, default.max_connections)?,
            client_share: number("client_share_percent", self.client_share_percent, 1..=100, default.client_share)?,
            connection_share: number(
                "connection_share_percent",
                self.connection_share_percent,
                1..=100,
                default.connection_share,
            )?,
            memory: number("buffer_mib", self.buffer_mib, 8..=65_536, default.memory >> 20)? << 20,
            body_wait: milliseconds("body_timeout_ms", self.body_timeout_ms, default.body_wait)?,
            rate: within("min_bytes_per_second", self.min_bytes_per_second, 1..=1 << 30)?.unwrap_or(default.rate),
            reader_wait: milliseconds("reader_timeout_ms", self.reader_timeout_ms, default.reader_wait)?,
            proxies: self.proxies()?,
            compression: self.compression.unwrap_or(default.compression),
        })
    }

    /// Half of the files: databases, logs and the way out need some, too.
    fn connections(&self, descriptors: u64, default: usize) -> Result<usize, StartError> {
        let room = (descriptors / 2).max(1);
        let wanted = within("max_connections", self.max_connections, 1..=1_000_000)?;
        if let Some(wanted) = wanted.filter(|&wanted| wanted > room) {
            return Err(StartError::new(format!(
                "kobliat.toml: `max_connections = {wanted}` in [http] needs {} file descriptors, and the process may have \
                 {descriptors}; raise the limit (`ulimit -n`, `LimitNOFILE=`) or write at most {room}",
                wanted * 2
            )));
        }
        let most = wanted.unwrap_or_else(|| room.min(default as u64));
        Ok(usize::try_from(most).unwrap_or(default))
    }

    fn proxies(&self) -> Result<Proxies, StartError> {
        let trusted = self.trusted_proxies.iter().map(|entry| network(entry)).collect::<Result<Vec<_>, _>>()?;
        let header = match self.forwarded_header {
            Header::XForwardedFor => ForwardedHeader::XForwardedFor,
            Header::Forwarded => ForwardedHeader::Forwarded,
        };
        Ok(Proxies { trusted, header })
    }
}

fn within(key: &str, value: Option<u64>, range: RangeInclusive<u64>) -> Result<Option<u64>, StartError> {
    match value {
        Some(value) if !range.contains(&value) => Err(StartError::new(format!(
            "kobliat.toml: `{key} = {value}` in [http] is out of range; write {} to {}",
            range.start(),
            range.end()
        ))),
        value => Ok(value),
    }
}

fn network(entry: &str) -> Result<IpNet, StartError> {
    let network = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| {
        StartError::new(format!(
            "kobliat.toml: `{entry}` in `trusted_proxies` of [http] is neither an address nor a network; write it like `10.0.0.0/8`"
        ))
    })?;
    if network.prefix_len() == 0 {
        return Err(StartError::new(format!(
            "kobliat.toml: `{entry}` in `trusted_proxies` of [http] trusts everybody, so that every client could choose its \
             address; name the proxies' own networks"
        )));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str, descriptors: u64) -> Result<Rules, String> {
        toml::from_str::<Http>(text).unwrap().rules(descriptors).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_said_replaces_the_defaults() {
        let default = rules("", 20_000).unwrap();
        assert_eq!((default.max_connections, default.client_share, default.memory), (4096, 75, 64 << 20));
        let rules = rules(
            "trusted_proxies = [\"10.0.0.0/8\", \"2001:db8::7\"]\nforwarded_header = \"forwarded\"\nmax_connections = 50\n\
             buffer_mib = 8\nbody_timeout_ms = 1500\nclient_share_percent = 10\n",
            100,
        )
        .unwrap();
        assert!(rules.proxies.trusts([10, 1, 2, 3].into()) && !rules.proxies.trusts([11, 1, 2, 3].into()));
        assert_eq!(rules.proxies.header, ForwardedHeader::Forwarded);
        assert_eq!((rules.max_connections, rules.memory, rules.client_share), (50, 8 << 20, 10));
        assert_eq!(rules.body_wait, Duration::from_millis(1500));
    }

    #[test]
    fn few_descriptors_leave_few_connections() {
        assert_eq!(rules("", 220).unwrap().max_connections, 110);
    }

    #[test]
    fn a_mistake_is_refused_with_its_key() {
        for (text, key) in [
            ("trusted_proxies = [\"example.com\"]", "example.com"),
            ("trusted_proxies = [\"10.0.0.0/33\"]", "10.0.0.0/33"),
            ("trusted_proxies = [\"0.0.0.0/0\"]", "trusts everybody"),
            ("trusted_proxies = [\"::/0\"]", "trusts everybody"),
            ("max_connections = 0", "max_connections"),
            ("max_connections = 101", "at most 100"),
            ("client_share_percent = 101", "client_share_percent"),
            ("connection_share_percent = 0", "connection_share_percent"),
            ("buffer_mib = 1", "buffer_mib"),
            ("body_timeout_ms = 0", "body_timeout_ms"),
            ("reader_timeout_ms = 99999999", "reader_timeout_ms"),
            ("min_bytes_per_second = 0", "min_bytes_per_second"),
        ] {
            let refusal = rules(text, 200).expect_err(text);
            assert!(refusal.contains(key), "{text}: {refusal}");
        }
        assert!(toml::from_str::<Http>("forwarded_header = \"x-real-ip\"").is_err());
    }
}
