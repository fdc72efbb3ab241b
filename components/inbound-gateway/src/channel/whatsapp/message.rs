//! One item of `messages` or `message_echoes`: who wrote what, when, and in reply to what.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::contacts::Contacts;
use super::content;
use crate::channel::fields::{self, Object};
use crate::domain::{Content, Direction, Message};

/// Kept in the metadata as they came, when they are there.
const KEPT: [&str; 4] = ["context", "referral", "group_id", "errors"];

/// What a person wrote to us. A message with an id and a sender is always kept, whatever its content is.
pub(super) fn received(raw: &RawValue, account: &str, contacts: &Contacts, received_at: i64) -> Content {
    read("from", raw, account, contacts, received_at)
}

/// What the business wrote to a person with the phone's own app. It is sent already: its provider's id says so to `messaging`.
pub(super) fn echo(raw: &RawValue, account: &str, contacts: &Contacts, received_at: i64) -> Content {
    read("to", raw, account, contacts, received_at)
}

fn read(side: &str, raw: &RawValue, account: &str, contacts: &Contacts, received_at: i64) -> Content {
    let Some(message) = fields::object(raw) else {
        return Content::rejected("message_malformed");
    };
    let Some(external_id) = fields::id(&message, "id") else {
        return Content::rejected("message_without_id");
    };
    let Some(contact) = contacts.party(side, account, &message) else {
        return Content::rejected(format!("message_without_{side}"));
    };
    let kind = content::kind(&message);
    let body = content::read(kind, &message);
    Content::Message(Box::new(Message {
        external_id,
        contact,
        direction: match (kind, side) {
            // The channel's own notice, and words that are no more: nobody waits for an answer to them.
            ("system" | "revoke", _) => Direction::System,
            ("reaction", "from") if body.text.is_none() => Direction::System,
            (_, "to") => Direction::Outbound,
            _ => Direction::Inbound,
        },
        content_type: kind.to_owned(),
        sent_at: fields::timestamp(&message, received_at),
        metadata: metadata(&message, body.details, body.understood),
        body: body.text,
    }))
}

fn metadata(message: &Object, details: Vec<(&'static str, Value)>, understood: bool) -> Map<String, Value> {
    let mut metadata = Map::new();
    let kept = KEPT.iter().filter_map(|key| Some(((*key).to_owned(), message.get(*key)?.clone())));
    metadata.extend(kept);
    if let Some(replied_to) = message.get("context").and_then(Value::as_object).and_then(|c| fields::id(c, "id")) {
        metadata.insert("reply_to".to_owned(), Value::String(replied_to));
    }
    metadata.extend(details.into_iter().map(|(name, value)| (name.to_owned(), value)));
    if !understood {
        metadata.insert("raw".to_owned(), Value::Object(message.clone()));
        metadata.insert("understood".to_owned(), false.into());
    }
    metadata
}
