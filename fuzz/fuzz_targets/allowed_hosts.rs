//! Whatever is listed, no wildcard, network or template opens the platform's own hosts: only their names do.
#![no_main]

use kobliat_manifest::{AllowedHosts, Template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let entries: Vec<Template> = text.lines().filter_map(|line| Template::parse(line).ok()).collect();
    let Ok(hosts) = AllowedHosts::resolve(&entries, |entry| entry.expand(|name| Ok::<_, String>(name.to_owned())))
    else {
        return;
    };
    if hosts.allows("http", "events.kobliat.internal", 80) {
        assert!(text.to_lowercase().contains("kobliat.internal"), "{text:?} opens the platform");
    }
    for host in ["", "example.com", "127.0.0.1", "[::1]", "a.spin.internal"] {
        hosts.allows("http", host, 80);
    }
});
