//! What each kind of entry grants, and above all what it does not.

use super::*;

fn hosts(entries: &[&str]) -> AllowedHosts {
    let templates: Vec<Template> = entries.iter().map(|text| Template::parse(text).unwrap()).collect();
    AllowedHosts::resolve::<String>(&templates, |template| {
        template.expand(|name| Ok(if name == "sink" { "http://events.kobliat.internal/" } else { "" }.to_owned()))
    })
    .unwrap()
}

#[test]
fn grants_exactly_what_is_named() {
    let allowed = hosts(&["https://example.com", "redis://cache", "tcp://db:5000..5002"]);
    assert!(allowed.allows("https", "example.com", 443));
    assert!(allowed.allows("HTTPS", "EXAMPLE.com.", 443));
    assert!(allowed.allows("redis", "cache", 6379));
    assert!(allowed.allows("tcp", "db", 5001));
    assert!(!allowed.allows("tcp", "db", 5002), "ranges are half-open");
    assert!(!allowed.allows("http", "example.com", 443));
    assert!(!allowed.allows("https", "example.com", 8443));
    assert!(!allowed.allows("https", "www.example.com", 443));
    assert!(!allowed.allows("https", "example.com..", 443));
    assert!(!allowed.allows("https", "", 443));
}

#[test]
fn wildcards_cover_hosts_schemes_and_ports() {
    let allowed = hosts(&["*://*:*"]);
    assert!(allowed.allows("ftp", "anywhere.example", 21));
    assert!(allowed.allows_self("http"));
    let allowed = hosts(&["https://*.example.com"]);
    assert!(allowed.allows("https", "a.b.example.com", 443));
    assert!(!allowed.allows("https", "example.com", 443));
    assert!(!allowed.allows("https", "notexample.com", 443));
}

#[test]
fn no_wildcard_reaches_the_platform() {
    for entry in
        ["*://*:*", "http://*", "http://*.internal", "http://0.0.0.0/0", "{{ sink }}", "http://*.spin.internal"]
    {
        let allowed = hosts(&[entry]);
        for host in
            ["admin.kobliat.internal", "events.kobliat.internal", "kobliat.internal", "EVENTS.kobliat.internal."]
        {
            assert!(!allowed.allows("http", host, 80), "{entry} reached {host}");
        }
    }
    assert!(hosts(&["http://events.kobliat.internal/"]).allows("http", "events.kobliat.internal", 80));
    assert!(hosts(&["{{ sink }}", "http://events.kobliat.internal"]).allows("http", "events.kobliat.internal", 80));
}

#[test]
fn components_are_reached_by_name_or_their_own_wildcard() {
    for entry in ["*://*:*", "http://*.internal"] {
        assert!(!hosts(&[entry]).allows("http", "customer.spin.internal", 80), "{entry}");
    }
    assert!(hosts(&["http://*.spin.internal"]).allows("http", "customer.spin.internal", 80));
    let one = hosts(&["http://customer.spin.internal"]);
    assert!(one.allows("http", "customer.spin.internal", 80));
    assert!(!one.allows("http", "messaging.spin.internal", 80));
}

#[test]
fn networks_match_addresses_in_any_spelling() {
    let allowed = hosts(&["http://10.0.0.0/8:8080", "http://[fd00::]/8:80", "http://[::1]", "http://127.0.0.1:*"]);
    assert!(allowed.allows("http", "10.1.2.3", 8080));
    assert!(allowed.allows("http", "[::ffff:10.1.2.3]", 8080));
    assert!(allowed.allows("http", "[fd12::1]", 80) && allowed.allows("http", "fd12::1", 80));
    assert!(allowed.allows("http", "[::1]", 80) && allowed.allows("http", "127.0.0.1", 9));
    assert!(!allowed.allows("http", "11.0.0.1", 8080));
    assert!(!allowed.allows("http", "ten.example.com", 8080));
}

#[test]
fn networks_of_ipv6_need_no_brackets_and_an_empty_port_is_the_usual_one() {
    let allowed = hosts(&["http://ff00::/8", "https://fd00::1", "http://fe80::/10:8080", "http://example.com:/"]);
    assert!(allowed.allows("http", "[ff02::1]", 80) && !allowed.allows("http", "[ff02::1]", 8080));
    assert!(allowed.allows("https", "[fd00::1]", 443) && !allowed.allows("https", "[fd00::2]", 443));
    assert!(allowed.allows("http", "[fe80::5]", 8080) && !allowed.allows("http", "[fe80::5]", 80));
    assert!(allowed.allows("http", "example.com", 80) && !allowed.allows("http", "example.com", 8080));
    assert!(AllowedHost::parse("tcp://db:").unwrap_err().contains("needs a port"));
    assert!(AllowedHost::parse("http://:80").is_err());
}

#[test]
fn only_named_hosts_and_networks_open_private_networks() {
    assert!(hosts(&["http://127.0.0.1:9000"]).lists("http", "127.0.0.1", 9000));
    assert!(hosts(&["http://localhost:9000"]).lists("http", "localhost", 9000));
    assert!(!hosts(&["http://*:9000"]).lists("http", "127.0.0.1", 9000));
}

#[test]
fn self_is_a_grant_of_its_own() {
    let allowed = hosts(&["http://self"]);
    assert!(allowed.allows_self("http") && !allowed.allows_self("https"));
    assert!(!allowed.allows("http", "self", 80));
}

#[test]
fn a_template_without_a_value_grants_nothing() {
    assert!(hosts(&["https://{{ empty }}", "{{ empty }}"]).entries().is_empty());
}

#[test]
fn refuses_what_it_cannot_mean() {
    for (entry, reason) in [
        ("example.com", "scheme://host"),
        ("insecure:allow-all", "*://*:*"),
        ("https://example.com/path", "remove `/path`"),
        ("https://a.*.com", "`*` stands for"),
        ("https://*x.com", "`*` stands for"),
        ("https://{a,b}.com", "braces"),
        ("h2c+x://example.com", "scheme"),
        ("tcp://example.com", "needs a port"),
        ("tcp://example.com:x", "port `x`"),
        ("tcp://example.com:9..5", "port `9..5`"),
        ("tcp://example.com:70000", "port `70000`"),
        ("https://", "not understood"),
        ("https://user@example.com", "not understood"),
        ("http://*.kobliat.internal", "by name only"),
    ] {
        let error = AllowedHost::parse(entry).unwrap_err();
        assert!(error.contains(reason), "{entry}: {error}");
    }
}
