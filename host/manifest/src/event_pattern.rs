//! What a component subscribes to: event types, or all below a prefix (`com.kobliat.message.*`).

use std::fmt;
use std::time::Duration;

use crate::reader::Field;
use crate::units;

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

/// One item of `subscribe`: `"com.kobliat.message.*"`, or with its own retries
/// `{ type = "com.kobliat.message.queued.v1", retry = ["10s", "30s", "60s"] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    pub pattern: EventPattern,
    /// The delays between the attempts, of which there is one more; `None` for the host's own schedule.
    pub retry: Option<Vec<Duration>>,
}

/// More would only put off the moment in which somebody looks.
const MAX_RETRIES: usize = 50;
const LONGEST_RETRY: Duration = Duration::from_secs(24 * 60 * 60);

impl Interest {
    pub(crate) fn read_all(field: &Field) -> Vec<Self> {
        let mut interests: Vec<Self> = Vec::new();
        for item in field.items() {
            let Some(interest) = Self::read(&item) else { continue };
            if interests.iter().any(|other| other.pattern == interest.pattern) {
                item.error("this is listed twice; remove one");
            } else {
                interests.push(interest);
            }
        }
        interests
    }

    fn read(item: &Field) -> Option<Self> {
        if item.is_string() {
            return item.parsed(EventPattern::parse).map(|pattern| Self { pattern, retry: None });
        }
        let table = item.table_or_string()?;
        let pattern = table
            .required("type", "type = \"com.kobliat.message.*\"")
            .and_then(|field| field.parsed(EventPattern::parse));
        let retry = table.optional("retry").map(|field| read_retry(&field));
        table.finish();
        Some(Self { pattern: pattern?, retry })
    }
}

fn read_retry(field: &Field) -> Vec<Duration> {
    let items = field.items();
    if items.len() > MAX_RETRIES {
        field.error(format!(
            "at most {MAX_RETRIES} retries; what still fails then is a dead letter for somebody to look at"
        ));
    }
    let delay = |text: &str| match units::duration(text)? {
        delay if delay.is_zero() || delay > LONGEST_RETRY => {
            Err(format!("`{text}` is out of range; write 1ms to 1440m"))
        }
        delay => Ok(delay),
    };
    items.iter().filter_map(|item| item.parsed(delay)).collect()
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
