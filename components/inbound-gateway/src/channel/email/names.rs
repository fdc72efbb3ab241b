//! Addresses, message ids and dates, however they are written.

use mail_parser::{DateTime, HeaderValue, parsers::MessageStream};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::either;
use crate::channel::fields::{self, Object};

/// RFC 5321: a mailbox has at most 254 characters.
const MAX_ADDRESS: usize = 254;
/// A list of addresses that is longer is read no further.
const MAX_LIST_BYTES: usize = 64 << 10;
/// `messaging` keeps references of at most 1,020 bytes, and ours are made of this one.
const MAX_ID_BYTES: usize = 512;

/// Somebody's address, in lower case, and their name.
#[derive(Clone)]
pub(super) struct Mailbox {
    pub address: String,
    pub name: Option<String>,
}

impl Mailbox {
    /// The first of [`Mailbox::all`].
    pub fn read(value: &Value) -> Option<Self> {
        Self::all(value, 1).into_iter().next()
    }

    /// `{"email": …, "name": …}`, a header's text with one address or several (RFC 5322 3.4), or a list of these.
    pub fn all(value: &Value, most: usize) -> Vec<Self> {
        match value {
            Value::String(text) => listed(text).take(most).collect(),
            Value::Object(object) => Self::of(object).into_iter().take(most).collect(),
            Value::Array(values) => {
                let one_level = values.iter().filter(|value| !value.is_array());
                one_level.flat_map(|value| Self::all(value, most)).take(most).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of(object: &Object) -> Option<Self> {
        let text = either(object, &["email", "Email"])?.as_str()?;
        let name = fields::name(object, "name").or_else(|| fields::name(object, "Name"));
        let written = listed(text).next()?;
        Some(Self { name: name.or(written.name), address: written.address })
    }

    fn sound(address: &str, name: Option<&str>) -> Option<Self> {
        let address = address.trim().to_lowercase();
        let (local, domain) = address.rsplit_once('@')?;
        let sound = !local.is_empty() && !domain.is_empty() && address.len() <= MAX_ADDRESS;
        let plain = !address.chars().any(|character| character.is_control() || character.is_whitespace());
        let name = name.map(str::trim).filter(|name| !name.is_empty() && !name.chars().any(char::is_control));
        let name = name.map(|name| name.chars().take(256).collect());
        (sound && plain).then_some(Self { address, name })
    }
}

fn listed(text: &str) -> impl Iterator<Item = Mailbox> {
    // A header that was folded is one line; other control characters are in no header.
    let line = text.replace(['\r', '\n', '\t'], " ");
    let is_sound =
        line.len() <= MAX_LIST_BYTES && !line.chars().any(char::is_control) && text.lines().skip(1).all(is_folded);
    let line = format!("{line}\n");
    let found = match MessageStream::new(line.as_bytes()).parse_address() {
        HeaderValue::Address(addresses) if is_sound => {
            addresses.iter().filter_map(|one| Mailbox::sound(one.address()?, one.name())).collect()
        }
        _ => Vec::new(),
    };
    found.into_iter()
}

/// A line that continues the one before begins with a blank.
fn is_folded(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '\t'])
}

/// The id of a mail without its angle brackets: the first one, where a header names several.
pub(super) fn message_id(text: &str) -> Option<String> {
    let text = text.trim();
    let first = match text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((id, _)) => id,
        None => text.trim_start_matches('<').trim_end_matches('>'),
    };
    let id = first.trim();
    let sound = (1..=MAX_ID_BYTES).contains(&id.len()) && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    sound.then(|| id.to_owned())
}

/// What stands for an id that cannot be one: the same mail has the same again.
pub(super) fn hashed(id: &str) -> Option<String> {
    fields::is_visible(id).then(|| format!("sha256-{}", hex::encode(Sha256::digest(id.trim()))))
}

/// RFC 5322 as mail has it, or what every channel takes.
pub(super) fn date(value: &Value) -> Option<i64> {
    let written = |text: &str| {
        let date = DateTime::parse_rfc822(text).filter(DateTime::is_valid)?;
        (date.year >= 1970).then(|| date.to_timestamp().checked_mul(1_000_000)).flatten()
    };
    fields::moment(value).or_else(|| value.as_str().filter(|text| text.len() <= 128).and_then(written))
}

/// A header of the mail itself: `headers` is an object by name, or a list of `{"Name": …, "Value": …}`.
pub(super) fn header<'a>(mail: &'a Object, name: &str) -> Option<&'a str> {
    match either(mail, &["headers", "Headers"])? {
        Value::Object(headers) => {
            headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
        }
        Value::Array(headers) => headers.iter().filter_map(Value::as_object).find_map(|header| {
            let key = either(header, &["name", "Name"])?.as_str()?;
            key.eq_ignore_ascii_case(name).then(|| either(header, &["value", "Value"])?.as_str()).flatten()
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_address_however_it_is_written() {
        for (text, address, name) in [
            ("ann@example.com", "ann@example.com", None),
            ("<ann@example.com>", "ann@example.com", None),
            ("Ann B <Ann@Example.com>", "ann@example.com", Some("Ann B")),
            ("\"B, Ann\" <ann@example.com>", "ann@example.com", Some("B, Ann")),
            ("ann@example.com (Ann)", "ann@example.com", Some("Ann")),
            ("=?utf-8?Q?J=C3=BCrgen?= <j@example.com>", "j@example.com", Some("Jürgen")),
            ("Jürgen <j@example.com>", "j@example.com", Some("Jürgen")),
            ("Ann B\r\n <ann@example.com>", "ann@example.com", Some("Ann B")),
        ] {
            let mailbox = Mailbox::read(&text.into()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((mailbox.address.as_str(), mailbox.name.as_deref()), (address, name), "{text}");
        }
        for text in ["", "ann", "@", "ann@", "@example.com", "<>", "ann@exam\nple.com", "ann@exam\u{0}ple.com"] {
            assert!(Mailbox::read(&text.into()).is_none(), "{text}");
        }
    }

    #[test]
    fn reads_every_address_of_a_list() {
        for text in [
            "ann@a.example, Bob <bob@b.example>",
            "\"Ann, A.\" <ann@a.example>,\r\n bob@b.example",
            "Friends: ann@a.example, Bob <bob@b.example>;",
            ", ann@a.example,, nobody, bob@b.example,",
        ] {
            let found: Vec<String> = Mailbox::all(&text.into(), 9).into_iter().map(|one| one.address).collect();
            assert_eq!(found, ["ann@a.example", "bob@b.example"], "{text}");
            assert_eq!(Mailbox::all(&text.into(), 1).len(), 1);
        }
        let mixed =
            serde_json::json!(["ann@a.example, bob@b.example", { "Email": "eve@e.example" }, 7, [["x@y.example"]]]);
        assert_eq!(Mailbox::all(&mixed, 9).len(), 3);
    }

    #[test]
    fn an_id_has_no_brackets() {
        assert_eq!(message_id(" <abc@mail.example> ").as_deref(), Some("abc@mail.example"));
        assert_eq!(message_id("<a@mail.example>\r\n <b@mail.example>").as_deref(), Some("a@mail.example"));
        assert_eq!(message_id("<>"), None);
        assert_eq!(message_id("two words"), None);
        assert_eq!(hashed("two words"), hashed(" two words "));
        assert_eq!(hashed(" "), None);
    }

    #[test]
    fn a_date_is_rfc_5322_s_or_rfc_3339_s() {
        for text in [
            "Sun, 08 Jun 2025 20:59:43 +0000",
            "Sun, 8 Jun 2025 22:59:43 +0200 (CEST)",
            "8 Jun 2025 16:59:43 -0400",
            "Sun, 08 Jun 2025 20:59:43 GMT",
            "2025-06-08T20:59:43Z",
            "1749416383",
        ] {
            assert_eq!(date(&text.into()), Some(1_749_416_383_000_000), "{text}");
        }
        for text in ["", "tomorrow", "99 Foo 2025 20:59:43 +0000", "Sun, 08 Jun 2025 29:59:43 +0000"] {
            assert_eq!(date(&text.into()), None, "{text}");
        }
    }
}
