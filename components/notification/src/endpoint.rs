//! Webhook endpoints: what one must look like, which events it wants, and with what it signs.

use sdk::{Error, Micros, event::matches, invalid};
use serde_json::json;

use crate::{address, signature::OVERLAP};

pub const MAX_DESCRIPTION: usize = 255;
pub const MAX_PATTERNS: usize = 50;
/// Of a tenant.
pub const MAX_ENDPOINTS: u64 = 50;
/// More rotations than that within a day leave the oldest secret behind.
const MAX_OLD_SECRETS: usize = 4;
/// What the platform tells its operators is no tenant's.
const OPERATORS: &str = "com.kobliat.platform.";

sdk::words!(Status { Enabled = "enabled", Disabled = "disabled" });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub id: String,
    pub url: String,
    /// Types, or with a final `*` all that begin so.
    pub events: Vec<String>,
    pub description: Option<String>,
    pub status: Status,
    pub disabled_reason: Option<String>,
    pub failing_since: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

impl Endpoint {
    pub fn wants(&self, kind: &str) -> bool {
        !kind.starts_with(OPERATORS) && self.events.iter().any(|pattern| matches(pattern, kind))
    }
}

/// What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    pub description: Option<String>,
    pub status: Option<Status>,
    /// The version that is to be changed.
    pub version: Option<Micros>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEndpoint {
    pub url: String,
    pub events: Vec<String>,
    pub description: Option<String>,
}

/// The URL in its canonical form.
pub fn check_url(url: &str, allow_private: bool) -> Result<String, Error> {
    address::check(url, allow_private).map_err(|reason| invalid("url", reason))
}

pub fn check_events(patterns: &[String]) -> Result<(), Error> {
    if patterns.is_empty() {
        return Err(invalid("events", "must name at least one type of event"));
    }
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    let is_pattern = |pattern: &String| {
        let prefix = pattern.strip_suffix('*').unwrap_or(pattern);
        pattern == "*" || (prefix.starts_with("com.kobliat.") && prefix.len() <= 128 && prefix.bytes().all(plain))
    };
    match patterns.iter().find(|pattern| !is_pattern(pattern)) {
        Some(bad) => Err(invalid(
            "events",
            format!(
                "`{bad}` is no type of event, as com.kobliat.message.received.v1, \
                                                    com.kobliat.message.* or *"
            ),
        )),
        None => Ok(()),
    }
}

/// Secrets that sign beside the new one, each until its time; sealed as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldSecrets(Vec<(String, Micros)>);

impl OldSecrets {
    pub fn parse(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    pub fn to_json(&self) -> String {
        json!(self.0).to_string()
    }

    /// Those that still sign.
    pub fn valid(&self, now: Micros) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(_, until)| *until > now).map(|(secret, _)| secret.as_str())
    }

    /// Each kept in another way; one for which there is none is left out.
    #[must_use]
    pub fn map(self, other: impl Fn(&str) -> Option<String>) -> Self {
        Self(self.0.into_iter().filter_map(|(secret, until)| Some((other(&secret)?, until))).collect())
    }

    /// With the one that was just replaced.
    #[must_use]
    pub fn with(self, replaced: String, now: Micros) -> Self {
        let valid = self.0.into_iter().filter(|(_, until)| *until > now);
        Self([(replaced, now.saturating_add(OVERLAP))].into_iter().chain(valid).take(MAX_OLD_SECRETS).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_types_and_prefixes_of_ours() {
        let check = |pattern: &str| check_events(&[pattern.to_owned()]).is_ok();
        for good in ["*", "com.kobliat.*", "com.kobliat.message.received.v1", "com.kobliat.message.*"] {
            assert!(check(good), "{good}");
        }
        for bad in ["", "**", "com.*", "com.kobliat.*.v1", "com.kobliat.Message", "message.received"] {
            assert!(!check(bad), "{bad}");
        }
        assert!(check_events(&[]).is_err());
    }

    #[test]
    fn an_old_secret_signs_for_a_day() {
        let secrets = OldSecrets::default().with("one".into(), 0).with("two".into(), 10);
        assert_eq!(secrets.valid(OVERLAP - 1).collect::<Vec<_>>(), ["two", "one"]);
        assert_eq!(secrets.valid(OVERLAP).collect::<Vec<_>>(), ["two"]);
        assert_eq!(OldSecrets::parse(&secrets.to_json()), secrets);
        let many = (0..9).fold(OldSecrets::default(), |secrets, n| secrets.with(n.to_string(), 0));
        assert_eq!(many.valid(1).count(), MAX_OLD_SECRETS);
    }
}
