//! Finds what answers a path: segment by segment, an exact one before a parameter before the wildcard.

mod matching;

use http::HeaderValue;
use kobliat_engine::Target;
use kobliat_manifest::{Route, StaticResponse};
use matching::closest;
use std::sync::Arc;

/// What answers a route.
#[derive(Clone)]
pub enum Destination {
    Component(Arc<Target>),
    Static(Arc<StaticResponse>),
}

/// One public route.
pub struct Entry {
    pub route: Route,
    pub destination: Destination,
    /// The route as the component is told it: as written, and without its wildcard.
    pub raw: HeaderValue,
    pub without_wildcard: HeaderValue,
}

#[derive(Default)]
pub struct Router {
    entries: Vec<Entry>,
}

/// A route that fits a path.
pub struct Match<'r> {
    pub entry: &'r Entry,
    /// The values of the route's `:name` segments.
    pub parameters: Vec<(&'r str, String)>,
    /// What the wildcard stands for; the whole path's remainder, empty without one.
    pub rest: String,
}

impl Router {
    pub fn add(&mut self, route: Route, destination: Destination) {
        let raw = HeaderValue::from_str(&route.raw).unwrap_or_else(|_| HeaderValue::from_static(""));
        let stem = route.raw.strip_suffix("/...").or_else(|| route.raw.strip_suffix("/*")).unwrap_or(&route.raw);
        let without_wildcard = HeaderValue::from_str(stem).unwrap_or_else(|_| HeaderValue::from_static(""));
        self.entries.push(Entry { route, destination, raw, without_wildcard });
    }

    /// The closest route for `path`, whatever the order of the routes.
    pub fn find(&self, path: &str) -> Option<Match<'_>> {
        let fit = closest(self.entries.iter().map(|entry| (&entry.route, entry)), path)?;
        Some(Match { entry: fit.of, parameters: fit.parameters, rest: fit.rest })
    }

    /// The routes in the order of the manifest.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router {
        let mut router = Router::default();
        for route in routes {
            let nothing = StaticResponse { status_code: 200, headers: Default::default(), body: None };
            router.add(Route::parse(route).unwrap(), Destination::Static(Arc::new(nothing)));
        }
        router
    }

    fn found<'r>(router: &'r Router, path: &str) -> Option<&'r str> {
        router.find(path).map(|found| found.entry.route.raw.as_str())
    }

    #[test]
    fn prefers_exact_to_parameter_to_wildcard_in_any_order() {
        for routes in [["/a/b", "/a/:x", "/a/..."], ["/a/...", "/a/:x", "/a/b"]] {
            let router = router(&routes);
            assert_eq!(found(&router, "/a/b"), Some("/a/b"));
            assert_eq!(found(&router, "/a/c"), Some("/a/:x"));
            assert_eq!(found(&router, "/a/c/d"), Some("/a/..."));
            assert_eq!(found(&router, "/a"), Some("/a/..."), "a wildcard matches its bare prefix");
            assert_eq!(found(&router, "/b"), None);
        }
    }

    #[test]
    fn the_first_segment_that_differs_decides() {
        let router = router(&["/:a/b/c", "/a/..."]);
        assert_eq!(found(&router, "/a/b/c"), Some("/a/..."));
        assert_eq!(found(&router, "/z/b/c"), Some("/:a/b/c"));
    }

    #[test]
    fn tells_parameters_and_the_rest() {
        let router = router(&["/users/:id/..."]);
        let found = router.find("/users/7/photos/1/").unwrap();
        assert_eq!(found.parameters, [("id", "7".to_string())]);
        assert_eq!(found.rest, "/photos/1/");
        assert_eq!(router.find("/users/7").unwrap().rest, "");
    }

    #[test]
    fn a_trailing_slash_makes_no_other_path() {
        let router = router(&["/a/b/", "/"]);
        assert_eq!(found(&router, "/a/b"), Some("/a/b/"));
        assert_eq!(found(&router, "/a/b/"), Some("/a/b/"));
        assert_eq!(found(&router, "/"), Some("/"));
    }
}
