//! HTTP routes: exact segments, `:name` for one segment, a final `/...` for the rest.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Exact(String),
    /// `:name`: any one segment.
    Parameter(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// As written in the manifest.
    pub raw: String,
    pub segments: Vec<Segment>,
    /// Ends in `/...`: matches its prefix and all below.
    pub wildcard: bool,
}

impl Route {
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let (path, wildcard) = strip_wildcard(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = Vec::new();
        if !path.is_empty() {
            for segment in path.split('/') {
                segments.push(parse_segment(segment, &segments, text)?);
            }
        }
        Ok(Self { raw: text.to_owned(), segments, wildcard })
    }

    /// Equal for two routes that match the same paths, whatever their parameters are called.
    pub fn pattern(&self) -> String {
        let mut pattern = String::new();
        for segment in &self.segments {
            pattern.push('/');
            match segment {
                Segment::Exact(text) => pattern.push_str(text),
                Segment::Parameter(_) => pattern.push(':'),
            }
        }
        if self.wildcard { pattern + "/..." } else { pattern }
    }

    /// Whether a request to `/events` or below `/internal/` could arrive by this route.
    pub(crate) fn exposes_platform_paths(&self) -> bool {
        let could_be = |index: usize, name: &str| match self.segments.get(index) {
            Some(Segment::Exact(text)) => text == name,
            Some(Segment::Parameter(_)) => true,
            None => self.wildcard,
        };
        let events = could_be(0, "events") && self.segments.len() <= 1;
        let internal = could_be(0, "internal") && (self.segments.len() > 1 || self.wildcard);
        events || internal
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

fn strip_wildcard(path: &str) -> (&str, bool) {
    if path == "..." || path == "*" {
        return ("", true);
    }
    match path.strip_suffix("/...").or_else(|| path.strip_suffix("/*")) {
        Some(prefix) => (prefix, true),
        None => (path, false),
    }
}

fn parse_segment(segment: &str, before: &[Segment], route: &str) -> Result<Segment, String> {
    if segment.is_empty() {
        return Err(format!("route `{route}` has an empty segment; write one `/` between segments"));
    }
    if segment == "..." || segment.contains('*') {
        return Err(format!("route `{route}` has its wildcard in the middle; `/...` may only be its end"));
    }
    if segment.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#')) {
        return Err(format!("route `{route}` has a character that no path has; write a path like `/users/:id`"));
    }
    let Some(name) = segment.strip_prefix(':') else { return Ok(Segment::Exact(segment.to_owned())) };
    let parameter = Segment::Parameter(name.to_owned());
    if name.is_empty() || before.contains(&parameter) {
        return Err(format!("route `{route}`: every `:name` needs a name of its own"));
    }
    Ok(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_spins_forms() {
        let route = Route::parse("/users/:id/...").unwrap();
        assert_eq!(route.segments, [Segment::Exact("users".into()), Segment::Parameter("id".into())]);
        assert!(route.wildcard);
        assert_eq!(Route::parse("/users/:x/*").unwrap().pattern(), route.pattern());
        assert_eq!(Route::parse("hello/").unwrap().pattern(), "/hello");
        assert_eq!(Route::parse("/").unwrap().pattern(), "");
        assert_eq!(Route::parse("/...").unwrap().pattern(), "/...");
    }

    #[test]
    fn refuses_what_no_path_can_match() {
        for bad in ["/a//b", "/.../b", "/a*/b", "/a b", "/:", "/:a/:a", "/a?b"] {
            assert!(Route::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn knows_what_it_exposes() {
        for exposing in
            ["/...", "/events", "/:any", "/events/...", "/internal/...", "/internal/tick", "/:a/:b", "/:a/..."]
        {
            assert!(Route::parse(exposing).unwrap().exposes_platform_paths(), "{exposing}");
        }
        for harmless in ["/", "/api/...", "/events/x", "/internal", "/api/:id", "/webhooks/:kind"] {
            assert!(!Route::parse(harmless).unwrap().exposes_platform_paths(), "{harmless}");
        }
    }
}
