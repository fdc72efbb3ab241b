//! Any path finds the closest of any routes, in whatever order they are, or none of them fits. The rules stand alone in their file.
#![no_main]

use kobliat_manifest::{Route, Segment};
use libfuzzer_sys::fuzz_target;

#[path = "../../host/trigger-http/src/router/matching.rs"]
mod matching;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let path = lines.next().unwrap_or_default();
    let routes: Vec<Route> = lines.take(16).filter_map(|line| Route::parse(line).ok()).collect();
    let found = matching::closest(routes.iter().map(|route| (route, route)), path);
    let backwards = matching::closest(routes.iter().rev().map(|route| (route, route)), path);
    assert_eq!(found.as_ref().map(|fit| fit.of.pattern()), backwards.map(|fit| fit.of.pattern()));
    let Some(fit) = found else { return };
    assert!(fit.of.wildcard || fit.rest.is_empty());
    // What the route says is what the path has.
    let mut parameters = fit.parameters.iter().map(|(_, value)| value.as_str());
    let stem: Vec<&str> = fit
        .of
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Exact(text) => text.as_str(),
            Segment::Parameter(_) => parameters.next().expect("each parameter has a value"),
        })
        .collect();
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    assert!(trimmed.starts_with(&stem.join("/")), "{path} by {}", fit.of.pattern());
});
