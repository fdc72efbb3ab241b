//! Where a webhook may go, as far as its URL tells. The host decides again when it connects, by the addresses that the name has then.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

pub const MAX_URL: usize = 2048;

/// The URL in its canonical form, or what is wrong with it. `allow_private` is for trials on one's own machine.
pub fn check(url: &str, allow_private: bool) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|_| "is not a URL".to_owned())?;
    let scheme = uri.scheme_str().map(str::to_ascii_lowercase);
    if !matches!(scheme.as_deref(), Some("http" | "https")) || url.contains('#') {
        return Err("must be an http or https URL without a fragment".to_owned());
    }
    let authority = uri.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') {
        return Err("must not contain credentials: the receiver checks the signature".to_owned());
    }
    let host =
        authority.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    check_host(&host, allow_private)?;
    Ok(uri.to_string())
}

fn check_host(host: &str, allow_private: bool) -> Result<(), String> {
    // The platform's own names are capabilities of components; no tenant's setting may name one. `self` and `self.alt` are the application
    // itself, `.alt` is no name of the Internet's (RFC 9476), and `.internal` is nobody's but a private network's.
    let is_below = |top: &str| host == top || host.strip_suffix(top).is_some_and(|rest| rest.ends_with('.'));
    if host.is_empty() || host == "self" || is_below("internal") || is_below("alt") {
        return Err("must not lead into the platform".to_owned());
    }
    if allow_private {
        return Ok(());
    }
    let is_private = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => is_private_v4(v4),
        Ok(IpAddr::V6(v6)) => is_private_v6(v6),
        Err(_) => host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local") || is_odd_ipv4(host),
    };
    if is_private { Err("must not lead into a private network".to_owned()) } else { Ok(()) }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || matches!((a, b, c), (0 | 224.., ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _))
}

fn is_private_v6(v6: Ipv6Addr) -> bool {
    let [a, b, c, ..] = v6.segments();
    // Written in other ways: IPv4-mapped and -compatible, NAT64, 6to4.
    let embedded = match (v6.to_ipv4(), a, b) {
        (Some(v4), ..) => Some(v4),
        (None, 0x64, 0xff9b) => v6.segments().get(6..).and_then(|low| Some(v4(*low.first()?, *low.get(1)?))),
        (None, 0x2002, _) => Some(v4(b, c)),
        _ => None,
    };
    embedded.is_some_and(is_private_v4)
        || v6.is_loopback()
        || v6.is_unspecified()
        || matches!(a, 0xfc00..=0xfdff | 0xfe80..=0xfebf | 0xff00..)
        || (a, b) == (0x2001, 0xdb8)
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

/// `2130706433`, `0x7f.1`, `127.1`: no public name ends in a number, but resolvers read these as addresses.
fn is_odd_ipv4(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").unwrap_or(last);
    let is_hex = last.starts_with("0x") && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex || digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_public_addresses() {
        for url in [
            "https://example.com/hook?a=b",
            "http://hooks.example.com:8080/",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://myself.example/",
            "https://salt.example.com/",
            "https://notinternal.example/",
        ] {
            assert!(check(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn refuses_private_addresses_however_they_are_written() {
        for url in [
            "http://localhost/",
            "http://a.localhost/",
            "http://127.0.0.1/",
            "http://10.1.2.3/",
            "http://172.31.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://0.0.0.0/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://printer.local/",
        ] {
            assert!(check(url, false).is_err(), "{url}");
            assert!(check(url, true).is_ok(), "{url} in a trial");
        }
    }

    #[test]
    fn refuses_what_no_setting_may_allow() {
        for url in [
            "ftp://example.com/",
            "example.com",
            "/hook",
            "",
            "https://user:secret@example.com/",
            "https://user@example.com/",
            "http://messaging.spin.internal/",
            "http://EVENTS.kobliat.INTERNAL./",
            "http://internal/",
            "http://self/",
            "http://SELF:80/hook",
            "https://self./",
            "http://self.alt/api/v1/customers",
            "http://Self.ALT./",
            "http://other.alt/",
            "http://alt/",
            "http://customer.spin.internal/",
            "https://admin.kobliat.internal:443/",
            "http:///hook",
            "http:hook",
            "https://example.com/#a",
            "file:///etc/passwd",
        ] {
            assert!(check(url, true).is_err(), "{url}");
        }
    }
}
