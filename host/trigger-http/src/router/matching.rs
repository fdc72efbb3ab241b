//! Which of several routes fits a path best: nothing else is known here, so that it can be fuzzed alone.

use kobliat_manifest::{Route, Segment};

/// A route that fits a path.
pub struct Fit<'r, T> {
    pub of: T,
    /// The values of the route's `:name` segments.
    pub parameters: Vec<(&'r str, String)>,
    /// What the wildcard stands for; the whole path's remainder, empty without one.
    pub rest: String,
}

/// How closely a segment matched; less is closer.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Closeness {
    Exact,
    Parameter,
    Wildcard,
}

/// The closest route for `path`, whatever the order of the routes; each comes with what it is `of`.
pub fn closest<'r, T>(routes: impl Iterator<Item = (&'r Route, T)>, path: &str) -> Option<Fit<'r, T>> {
    let segments = segments_of(path);
    let candidates = routes.filter_map(|(route, of)| Some((closeness(route, &segments)?, route, of)));
    let (_, route, of) = candidates.min_by(|(left, ..), (right, ..)| left.cmp(right))?;
    Some(Fit { of, parameters: parameters(route, &segments), rest: rest(route, path, &segments) })
}

fn segments_of(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() { Vec::new() } else { path.split('/').collect() }
}

/// Compares lexicographically: the first segment that differs decides.
fn closeness(route: &Route, path: &[&str]) -> Option<Vec<Closeness>> {
    let fits = if route.wildcard { route.segments.len() <= path.len() } else { route.segments.len() == path.len() };
    if !fits {
        return None;
    }
    let mut closeness = Vec::with_capacity(route.segments.len() + 1);
    for (segment, &part) in route.segments.iter().zip(path) {
        closeness.push(match segment {
            Segment::Exact(text) if text == part => Closeness::Exact,
            Segment::Exact(_) => return None,
            Segment::Parameter(_) => Closeness::Parameter,
        });
    }
    closeness.extend(route.wildcard.then_some(Closeness::Wildcard));
    Some(closeness)
}

fn parameters<'r>(route: &'r Route, path: &[&str]) -> Vec<(&'r str, String)> {
    let pairs = route.segments.iter().zip(path);
    pairs
        .filter_map(|(segment, part)| match segment {
            Segment::Parameter(name) => Some((name.as_str(), (*part).to_string())),
            Segment::Exact(_) => None,
        })
        .collect()
}

/// With its slash, and with the trailing slash of the path: `/a/...` on `/a/b/` leaves `/b/`.
fn rest(route: &Route, path: &str, segments: &[&str]) -> String {
    if !route.wildcard {
        return String::new();
    }
    let below = segments.get(route.segments.len()..).unwrap_or_default();
    let mut rest: String = below.iter().flat_map(|segment| ["/", segment]).collect();
    if path.ends_with('/') {
        rest.push('/');
    }
    rest
}
