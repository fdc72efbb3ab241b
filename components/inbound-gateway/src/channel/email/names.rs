//! Addresses and message ids, however they are written.

use serde_json::Value;

use super::either;
use crate::channel::fields::{self, Object};

/// RFC 5321: a mailbox has at most 254 characters.
const MAX_ADDRESS: usize = 254;

/// Somebody's address, in lower case, and their name.
pub(super) struct Mailbox {
    pub address: String,
    pub name: Option<String>,
}

impl Mailbox {
    /// `{"email": …, "name": …}`, or `Ann <ann@example.com>`, or `ann@example.com`.
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Object(object) => {
                let text = either(object, &["email", "Email"])?.as_str()?;
                let name = fields::name(object, "name").or_else(|| fields::name(object, "Name"));
                Some(Self { name, ..Self::parse(text)? })
            }
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, address) = match text.rsplit_once('<') {
            Some((name, rest)) => (name.trim().trim_matches('"').trim(), rest.split('>').next().unwrap_or_default()),
            None => ("", text),
        };
        let address = address.trim().to_lowercase();
        let (local, domain) = address.rsplit_once('@')?;
        let sound = !local.is_empty() && !domain.is_empty() && address.len() <= MAX_ADDRESS;
        let plain = !address.chars().any(|character| character.is_control() || character.is_whitespace());
        let name = (!name.is_empty() && !name.chars().any(char::is_control)).then(|| name.chars().take(256).collect());
        (sound && plain).then_some(Self { address, name })
    }
}

/// The id of a mail without its angle brackets.
pub(super) fn message_id(text: &str) -> Option<String> {
    let id = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    let sound = (1..=512).contains(&id.len()) && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    sound.then(|| id.to_owned())
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
            ("Ann B <Ann@Example.com>", "ann@example.com", Some("Ann B")),
            ("\"B, Ann\" <ann@example.com>", "ann@example.com", Some("B, Ann")),
        ] {
            let mailbox = Mailbox::read(&text.into()).unwrap();
            assert_eq!((mailbox.address.as_str(), mailbox.name.as_deref()), (address, name), "{text}");
        }
        for text in ["", "ann", "@", "ann@", "@example.com", "a b@example.com", "<>", "ann@exam\nple.com"] {
            assert!(Mailbox::read(&text.into()).is_none(), "{text}");
        }
    }

    #[test]
    fn an_id_has_no_brackets() {
        assert_eq!(message_id(" <abc@mail.example> ").as_deref(), Some("abc@mail.example"));
        assert_eq!(message_id("<>"), None);
        assert_eq!(message_id("two words"), None);
    }
}
