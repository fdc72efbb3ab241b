//! Just enough of WhatsApp's payload: one signed text message.

use hmac::{Hmac, Mac};
use http::HeaderMap;
use serde::Deserialize;
use sha2::Sha256;

/// The message of a body, and who sent it to whom.
pub struct Message {
    pub account: String,
    pub from: String,
    pub name: Option<String>,
    pub external_id: String,
    pub sent_at: i64,
    pub text: String,
}

pub fn is_signed(secret: &[u8], body: &[u8], headers: &HeaderMap) -> bool {
    let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let Some(signature) = signature.and_then(|text| text.strip_prefix("sha256=")) else { return false };
    let (Ok(signature), Ok(mut mac)) = (hex::decode(signature), Hmac::<Sha256>::new_from_slice(secret)) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

#[derive(Deserialize)]
struct Body {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    value: Value,
}

#[derive(Deserialize)]
struct Value {
    metadata: Metadata,
    contacts: Vec<Contact>,
    messages: Vec<Told>,
}

#[derive(Deserialize)]
struct Metadata {
    phone_number_id: String,
}

#[derive(Deserialize)]
struct Contact {
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    name: String,
}

#[derive(Deserialize)]
struct Told {
    from: String,
    id: String,
    timestamp: String,
    text: Text,
}

#[derive(Deserialize)]
struct Text {
    body: String,
}

pub fn read(body: &[u8]) -> Option<Message> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let value = body.entry.into_iter().next()?.changes.into_iter().next()?.value;
    let message = value.messages.into_iter().next()?;
    Some(Message {
        account: value.metadata.phone_number_id,
        from: message.from,
        name: value.contacts.into_iter().next().map(|contact| contact.profile.name),
        external_id: message.id,
        sent_at: message.timestamp.parse::<i64>().ok()?.checked_mul(1_000_000)?,
        text: message.text.body,
    })
}
