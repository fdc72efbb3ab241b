//! The query string: decoded once, unknown parameters refused.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::problem::Problem;

/// The decoded parameters, in order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c=d`. Escapes that are no UTF-8 are unreadable.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| {
            percent_decode(&text.replace('+', " ")).ok_or_else(|| Problem::unreadable("the query string is not UTF-8"))
        };
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(k, v)| Ok((decode(k)?, decode(v)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The first parameter of this name, trimmed; empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        let wrong = || Problem::invalid_field(format!("?{name}"), "must be true or false");
        self.get(name).map(|word| word.parse().map_err(|_| wrong())).transpose()
    }

    /// Refuses every parameter but these, and one that is there twice, so that a typo in a filter never widens a list.
    pub fn allow(&self, names: &[&str]) -> Result<(), Problem> {
        let twice =
            self.0.iter().enumerate().find(|(at, (key, _))| self.0.iter().take(*at).any(|(other, _)| other == key));
        if let Some((_, (key, _))) = twice {
            return Err(Problem::invalid_field(format!("?{key}"), "is given more than once"));
        }
        let unknown = self.0.iter().find(|(key, _)| !names.contains(&key.as_str()));
        match unknown {
            Some((key, _)) => Err(Problem::invalid_field(
                format!("?{key}"),
                format!("unknown parameter; known: {}", names.join(", ")),
            )),
            None => Ok(()),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// `%41` → `A`; `None` when the result is not UTF-8. A `%` that starts no escape stands for itself.
pub fn percent_decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

/// All but the unreserved characters of RFC 3986, 2.3.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything but unreserved characters is escaped: safe in a path segment and in a query value.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
