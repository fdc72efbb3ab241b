//! Whatever path a client sends: the route table finds it or does not, and what a service is asked for is a path of that route, with
//! nothing in it that anybody on the way could read as another one.
#![no_main]

use api_gateway::routes::{Match, fill, fill_for_log, find};
use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;

const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

fuzz_target!(|input: (u8, String)| {
    let (method, text) = input;
    // As it comes out of a request line; what is no URI never reaches the table.
    let Ok(uri) = text.parse::<Uri>() else { return };
    let method = &METHODS[usize::from(method) % METHODS.len()];
    let Match::Found(route, parameters) = find(method, uri.path()) else { return };
    let filled = fill(route.path, &parameters);
    let (pattern, segments): (Vec<_>, Vec<_>) = (route.path.split('/').collect(), filled.split('/').collect());
    assert_eq!(pattern.len(), segments.len(), "{filled}");
    for (wanted, segment) in pattern.iter().zip(&segments).skip(1) {
        assert!(wanted.starts_with('{') || wanted == segment, "{filled}");
        let resolved = segment.to_ascii_lowercase().replace("%2e", ".");
        assert!(!matches!(resolved.as_str(), "" | "." | ".."), "{filled}");
    }
    let asked: Uri = format!("http://service.spin.internal{filled}").parse().expect("a path that was found is a URI");
    assert_eq!((asked.host(), asked.path(), asked.query()), (Some("service.spin.internal"), filled.as_str(), None));
    let Match::Found(again, _) = find(method, &filled) else { panic!("{filled} is not found again") };
    assert!(std::ptr::eq(route, again), "{filled} is another route");
    let logged = fill_for_log(route.path, &parameters);
    assert_eq!(logged.contains("{external_id}"), route.path.contains("{external_id}"));
});
