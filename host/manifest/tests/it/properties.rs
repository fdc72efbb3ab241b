//! What holds for every text, however strange: nothing panics, and what is granted is what was written.

use kobliat_manifest::{AllowedHost, AllowedHosts, Manifest, Route, Template};
use proptest::prelude::*;

const SAMPLE: &str = r#"
spin_manifest_version = 2
[application]
name = "sample"
trigger.http.base = "/"
[variables]
token = { required = true, secret = true }
host = { default = "example.com" }
[[trigger.http]]
route = "/api/:id/..."
component = "one"
[[trigger.http]]
route = { private = true }
component = "two"
[component.one]
source = { url = "https://example.com/a.wasm", digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000" }
files = ["a/*", { source = "b", destination = "/c" }]
allowed_outbound_hosts = ["https://{{ host }}", "*://*:*", "tcp://10.0.0.0/8:1..9"]
key_value_stores = ["default"]
variables = { token = "x-{{ token }}" }
build = { command = ["a", "b"], watch = ["src/**"] }
[component.one.dependencies]
"a:b/c@1.0.0" = { path = "c.wasm", inherit_configuration = ["files"] }
[component.one.tool.kobliat]
limits = { memory = "64MiB", timeout = "5s" }
[component.two]
source = "two.wasm"
"#;

/// The sample with pieces cut out, doubled or replaced: close enough to a manifest to get far into the reader.
fn damaged() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof!["[\\[\\]{}=\".,\\-a-z0-9 \n/*:]{0,12}", Just(String::new()), Just("\u{0}é\u{1F600}".to_owned())];
    prop::collection::vec((0..SAMPLE.len(), 0..24_usize, piece), 1..6).prop_map(|damages| {
        let mut text: Vec<char> = SAMPLE.chars().collect();
        for (at, cut, piece) in damages {
            let at = at.min(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

fn resolve(entries: &[String]) -> Option<AllowedHosts> {
    let templates: Vec<_> = entries.iter().map(|entry| Template::parse(entry)).collect::<Result<_, _>>().ok()?;
    AllowedHosts::resolve(&templates, |template| template.expand(|_| Ok::<_, String>("filled".to_owned()))).ok()
}

proptest! {
    #[test]
    fn any_text_is_a_manifest_or_explained(text in any::<String>()) {
        if let Err(errors) = Manifest::parse(&text, "spin.toml") {
            prop_assert!(!errors.to_string().is_empty());
        }
    }

    #[test]
    fn a_damaged_manifest_is_read_or_explained(text in damaged()) {
        match Manifest::parse(&text, "spin.toml") {
            Ok(manifest) => prop_assert!(!manifest.application.name.is_empty()),
            Err(errors) => prop_assert!(errors.to_string().contains("spin.toml")),
        }
    }

    #[test]
    fn a_text_without_holes_is_itself(text in "[^{}]*") {
        let template = Template::parse(&text).unwrap();
        prop_assert_eq!(template.literal(), Some(text.as_str()));
        prop_assert_eq!(template.expand(|_| Err::<String, ()>(())), Ok(text));
    }

    #[test]
    fn any_text_is_a_template_or_not(text in any::<String>()) {
        if let Ok(template) = Template::parse(&text) {
            prop_assert!(template.expand(|name| Ok::<_, ()>(name.to_owned())).is_ok());
        }
    }

    #[test]
    fn any_text_is_a_route_or_not(text in any::<String>()) {
        if let Ok(route) = Route::parse(&text) {
            let again = Route::parse(&route.raw).unwrap();
            prop_assert_eq!((again.segments, again.wildcard), (route.segments, route.wildcard));
        }
    }

    #[test]
    fn any_text_is_a_host_to_allow_or_explained(text in any::<String>()) {
        if let Err(reason) = AllowedHost::parse(&text) {
            prop_assert!(!reason.is_empty());
        }
    }

    #[test]
    fn a_host_that_is_listed_is_allowed_at_its_port_only(host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}", port in 1..u16::MAX) {
        prop_assume!(!host.ends_with(".internal") && host != "self");
        let allowed = resolve(&[format!("https://{host}:{port}")]).unwrap();
        prop_assert!(allowed.allows("https", &host.to_ascii_uppercase(), port));
        prop_assert!(!allowed.allows("https", &host, port + 1) && !allowed.allows("http", &host, port));
        let longer = format!("x{host}");
        prop_assert!(!allowed.allows("https", &longer, port));
    }

    #[test]
    fn no_wildcard_network_or_template_grants_the_platform(
        entries in prop::collection::vec("(\\*|https?|tcp)://(\\*|\\*\\.[a-z.]{1,20}|\\{\\{ x \\}\\}[a-z.]{0,20}|0\\.0\\.0\\.0/0)(:\\*)?", 1..4),
        name in "[a-z]{1,8}",
    ) {
        if let Some(allowed) = resolve(&entries) {
            for host in [format!("{name}.kobliat.internal"), "kobliat.internal".to_owned()] {
                prop_assert!(!allowed.allows("http", &host, 80), "{entries:?} grants {host}");
            }
        }
    }
}
