//! The grammar of one entry.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{AllowedHost, HostPattern, PortPattern, SchemePattern, default_port};

impl AllowedHost {
    /// Parses a literal entry (a template is expanded first).
    pub fn parse(text: &str) -> Result<Self, String> {
        let entry = text.trim();
        if entry == "insecure:allow-all" {
            return Err(
                "`insecure:allow-all` is refused; write \"*://*:*\" if the component may really go anywhere".into()
            );
        }
        let Some((scheme, rest)) = entry.split_once("://") else {
            return Err(format!(
                "`{text}` is no host to allow; write scheme://host[:port], like \"https://example.com\""
            ));
        };
        let (host, port) = split_port(rest.strip_suffix('/').unwrap_or(rest));
        Ok(Self {
            scheme: parse_scheme(scheme, text)?,
            host: parse_host(host, text)?,
            port: parse_port(port, scheme, text)?,
            templated: false,
        })
    }
}

/// The port is what follows the last `:`, unless that is part of an IPv6 address or network. An empty one is the usual port,
/// as in a URL.
fn split_port(rest: &str) -> (&str, Option<&str>) {
    if rest.matches(':').count() > 1 && !rest.starts_with('[') && parse_network(rest).is_some() {
        return (rest, None);
    }
    match rest.rsplit_once(':') {
        Some((host, "")) => (host, None),
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

fn parse_scheme(scheme: &str, entry: &str) -> Result<SchemePattern, String> {
    if scheme == "*" {
        return Ok(SchemePattern::Any);
    }
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(format!("scheme `{scheme}` in \"{entry}\" is not understood; write letters, like `https`, or `*`"));
    }
    Ok(SchemePattern::Only(scheme.to_ascii_lowercase()))
}

fn parse_host(host: &str, entry: &str) -> Result<HostPattern, String> {
    match host {
        "*" => return Ok(HostPattern::Any),
        "self" | "self.alt" => return Ok(HostPattern::ToSelf),
        _ => {}
    }
    if let Some(network) = parse_network(host) {
        return Ok(HostPattern::Network(network));
    }
    if let Some((_, path)) = host.split_once('/') {
        return Err(format!("\"{entry}\" has a path; hosts are allowed whole, so remove `/{path}`"));
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if let Some(domain) = name.strip_prefix("*.") {
        check_name(domain, entry)?;
        if domain == "kobliat.internal" || domain.ends_with(".kobliat.internal") {
            return Err(format!("\"{entry}\" grants nothing: hosts under `kobliat.internal` are allowed by name only"));
        }
        return Ok(HostPattern::Subdomains(format!(".{domain}")));
    }
    check_name(&name, entry)?;
    Ok(HostPattern::Exact(name))
}

/// `10.0.0.0/8`, `[fd00::]/8`, `fd00::/8`, or one address.
fn parse_network(host: &str) -> Option<IpNet> {
    let bare: String = host.chars().filter(|c| !matches!(c, '[' | ']')).collect();
    match bare.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address.to_canonical())),
        Err(_) => bare.parse::<IpNet>().ok(),
    }
}

fn check_name(name: &str, entry: &str) -> Result<(), String> {
    if name.contains('{') {
        return Err(format!("\"{entry}\": lists in braces are not supported; write one entry for each host"));
    }
    if name.contains('*') {
        return Err(format!(
            "\"{entry}\": `*` stands for a whole host or for the subdomains at its start, like `*.example.com`"
        ));
    }
    let label_is_good =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if !name.split('.').all(label_is_good) {
        return Err(format!("host `{name}` in \"{entry}\" is not understood; write scheme://host[:port]"));
    }
    Ok(())
}

fn parse_port(port: Option<&str>, scheme: &str, entry: &str) -> Result<PortPattern, String> {
    let Some(port) = port else {
        return default_port(&scheme.to_ascii_lowercase())
            .map(PortPattern::Only)
            .ok_or_else(|| format!("\"{entry}\" needs a port, because `{scheme}` has no usual one; add `:*` for any"));
    };
    let refuse =
        || format!("port `{port}` in \"{entry}\" is not understood; write a number, a range like `8000..9000`, or `*`");
    if port == "*" {
        return Ok(PortPattern::Any);
    }
    if let Some((from, to)) = port.split_once("..") {
        let (from, to) = (from.parse().map_err(|_| refuse())?, to.parse().map_err(|_| refuse())?);
        return if from < to { Ok(PortPattern::Range(from..to)) } else { Err(refuse()) };
    }
    port.parse().map(PortPattern::Only).map_err(|_| refuse())
}
