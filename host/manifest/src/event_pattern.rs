//! What a component subscribes to: event types, or all below a prefix (`com.kobliat.message.*`).

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPattern(String);

impl EventPattern {
    pub fn parse(text: &str) -> Result<Self, String> {
        let named = text.strip_suffix(".*").unwrap_or(text);
        let good = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        };
        if text == "*" || named.split('.').all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is no event pattern; write an event type or its beginning and `.*`, like `com.kobliat.message.*`"
        ))
    }

    /// `com.kobliat.message.*` matches `com.kobliat.message.received.v1`; `*` matches everything.
    pub fn matches(&self, event_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => event_type.starts_with(prefix),
            None => event_type == self.0,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_whole_segments_only() {
        let pattern = EventPattern::parse("com.kobliat.message.*").unwrap();
        assert!(pattern.matches("com.kobliat.message.received.v1"));
        assert!(!pattern.matches("com.kobliat.messages.received.v1"));
        assert!(EventPattern::parse("*").unwrap().matches("anything"));
        assert!(!EventPattern::parse("a.b").unwrap().matches("a.b.c"));
    }

    #[test]
    fn refuses_stray_wildcards() {
        for bad in ["", "a.*.b", "a*", "*.a", "a..b", "A.b", "a b", "**"] {
            assert!(EventPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
