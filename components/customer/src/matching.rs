//! Matching: when two names are the same person's, although they are written differently.
//!
//! A key is what all spellings of a telephone number or an e-mail address have in common. It counts within one kind of customer
//! (`external_type`): the same number on WhatsApp and by SMS is two customers, because a number on another channel may by now be
//! somebody else's, and nobody's words may be shown to another. An agent who knows better merges the two.

use crate::{
    domain::{Contact, Identity},
    number,
};

/// The keys of a contact, the preferred first.
pub fn keys_of_contact(contact: &Contact) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in contact.identities.iter().filter_map(key_of_identity) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// `None` for a channel's own ids, which have one spelling.
pub fn key_of_identity(identity: &Identity) -> Option<String> {
    match identity.kind.as_str() {
        "phone" => number::canonical(&identity.value),
        "email" => address(&identity.value),
        "address" => address(&identity.value).or_else(|| number::canonical(&identity.value)),
        _ => None,
    }
}

/// Of a customer by the name that the API gave it.
pub fn key_of_customer(external_type: &str, external_id: &str) -> Option<String> {
    match external_type {
        "whatsapp" | "sms" => number::canonical(external_id),
        "email" => address(external_id),
        _ => None,
    }
}

/// The local part's case is the receiver's to know (RFC 5321 2.4), and no provider in use tells two people apart by it.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let (local, domain) = text.rsplit_once('@')?;
    let is_address = !local.is_empty() && !domain.is_empty() && !text.contains(char::is_whitespace);
    is_address.then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_the_case_of_addresses_only() {
        assert_eq!(key_of_customer("email", " Ada@Example.COM "), Some("ada@example.com".to_owned()));
        assert_eq!(key_of_customer("email", "mailto:Ada@example.com"), Some("ada@example.com".to_owned()));
        for text in ["ada", "@example.com", "ada@", "a da@example.com"] {
            assert_eq!(key_of_customer("email", text), None, "{text}");
        }
        assert_eq!(key_of_customer("crm", "+16505551234"), None, "another system's ids are its own");
    }

    #[test]
    fn takes_a_prefixed_address_for_no_number() {
        let identity = |kind: &str| Identity {
            channel_account_id: "a".to_owned(),
            kind: kind.to_owned(),
            value: "messenger:16505551234".to_owned(),
        };
        assert_eq!((key_of_identity(&identity("phone")), key_of_identity(&identity("messenger"))), (None, None));
        assert_eq!(key_of_customer("sms", "messenger:16505551234"), None);
    }
}
