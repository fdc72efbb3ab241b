//! One update: a message, a changed message, a tapped button, a reaction, or something that is kept as it came.

use serde_json::{Map, Value};

use super::person::{Party, chat_id, name, party};
use super::{CHANNEL, content};
use crate::channel::fields::{self, Object};
use crate::domain::{Contact, Content, Direction, Identity, Message, Update};

/// Of the bot and its owner, not of a customer.
const NOT_FROM_CUSTOMERS: [&str; 2] = ["business_connection", "managed_bot"];

/// Ids of messages are unique in their chat only, so the chat is part of the name: `<chat>:<message>`.
pub(super) fn read(update: &Object, account: &str, received_at: i64) -> Update {
    let content = match fields::key(update, "update_id") {
        Some(number) => read_kind(update, &number, account, received_at),
        None => Content::rejected("update_without_id"),
    };
    Update { at: String::new(), account: account.to_owned(), content }
}

fn read_kind(update: &Object, number: &str, account: &str, received_at: i64) -> Content {
    let Some((kind, object)) = update.iter().find_map(|(name, value)| Some((name.as_str(), value.as_object()?))) else {
        return Content::ignored("nothing_in_it");
    };
    let reader = Reader { object, number, account, received_at };
    match kind {
        "message" | "business_message" | "channel_post" => reader.message(),
        "edited_message" | "edited_business_message" | "edited_channel_post" => reader.edit(),
        "callback_query" => reader.button(),
        "message_reaction" => reader.reaction(),
        other if NOT_FROM_CUSTOMERS.contains(&other) => Content::ignored(format!("update:{other}")),
        other => reader.anything(fields::word(other).unwrap_or("unknown")),
    }
}

struct Reader<'a> {
    object: &'a Object,
    number: &'a str,
    account: &'a str,
    received_at: i64,
}

impl Reader<'_> {
    fn message(&self) -> Content {
        let Some(external_id) = name(self.object) else {
            return Content::rejected("message_without_id");
        };
        let body = content::read(self.object);
        let mut metadata = kept(self.object);
        metadata.extend(body.details);
        if !body.understood {
            metadata.extend(raw(self.object));
            metadata.extend((!body.is_notice).then(|| ("understood".to_owned(), false.into())));
        }
        let direction = if body.is_notice { Some(Direction::System) } else { None };
        self.told(external_id, direction, body.kind, body.text, metadata)
    }

    /// A message of its own, because what was said stays said; it names the one that it changes.
    fn edit(&self) -> Content {
        let Some(edited) = name(self.object) else {
            return Content::rejected("message_without_id");
        };
        let body = content::read(self.object);
        let mut metadata = kept(self.object);
        metadata.extend(body.details);
        metadata.insert("edits".to_owned(), Value::String(edited.clone()));
        if !body.understood {
            metadata.extend(raw(self.object));
            metadata.extend((!body.is_notice).then(|| ("understood".to_owned(), false.into())));
        }
        // By the update: `edit_date` has seconds, in which somebody may change a message twice.
        self.told(format!("{edited}:edit:{}", self.number), None, "edit", body.text, metadata)
    }

    /// What was tapped is not said in words; the bot's own data is all there is.
    fn button(&self) -> Content {
        let Some(id) = fields::id(self.object, "id") else {
            return Content::rejected("callback_without_id");
        };
        let data = fields::text(self.object, "data").map(fields::readable);
        let mut metadata = Map::new();
        metadata.insert("button".to_owned(), serde_json::json!({ "id": id, "payload": data }));
        let tapped = self.object.get("message").and_then(Value::as_object).and_then(name);
        metadata.extend(tapped.map(|tapped| ("reply_to".to_owned(), Value::String(tapped))));
        // The answer goes to where the button is.
        metadata.extend(self.object.get("message").and_then(Value::as_object).map(whereabouts).unwrap_or_default());
        self.told(format!("callback:{id}"), None, "button", data, metadata)
    }

    /// The emoji that are there now. None, when they were taken back: that says nothing, so it is a notice.
    fn reaction(&self) -> Content {
        let Some(target) = name(self.object) else {
            return Content::rejected("reaction_without_message");
        };
        let emoji: Vec<&str> = reactions(self.object).filter_map(|reaction| reaction.get("emoji")?.as_str()).collect();
        let mut metadata = Map::new();
        metadata.insert("reaction".to_owned(), serde_json::json!({ "message_id": target, "emoji": emoji }));
        metadata.insert("reply_to".to_owned(), Value::String(target));
        metadata.extend(whereabouts(self.object));
        let is_gone = reactions(self.object).next().is_none();
        let words = (!emoji.is_empty()).then(|| emoji.concat());
        let direction = if is_gone { Some(Direction::System) } else { None };
        self.told(format!("update:{}", self.number), direction, "reaction", words, metadata)
    }

    /// Of other kinds, what names a person is a notice in that person's conversation; the rest concerns nobody.
    fn anything(&self, kind: &str) -> Content {
        if party(self.object).is_none() {
            return Content::ignored(format!("update:{kind}"));
        }
        let mut metadata = whereabouts(self.object);
        metadata.extend(raw(self.object));
        self.told(format!("update:{}", self.number), Some(Direction::System), kind, None, metadata)
    }

    /// `direction`: what it is whoever wrote it; else that follows from who did.
    fn told(
        &self,
        external_id: String,
        direction: Option<Direction>,
        kind: &str,
        body: Option<String>,
        metadata: Map<String, Value>,
    ) -> Content {
        let Some(Party { id, name, is_ours }) = party(self.object) else {
            return Content::rejected("message_without_from");
        };
        let by_author = if is_ours { Direction::Outbound } else { Direction::Inbound };
        let identity = Identity { channel_account_id: self.account.to_owned(), kind: "chat-id", value: id };
        Content::Message(Box::new(Message {
            external_id,
            contact: Contact { channel: CHANNEL, identities: vec![identity], name },
            direction: direction.unwrap_or(by_author),
            content_type: kind.to_owned(),
            body,
            sent_at: self.sent_at(),
            metadata,
        }))
    }

    fn sent_at(&self) -> i64 {
        let seconds = ["edit_date", "date"].into_iter().find_map(|name| self.object.get(name)?.as_i64());
        fields::believable(seconds.and_then(|seconds| seconds.checked_mul(1_000_000)), self.received_at)
    }
}

/// As it came.
fn raw(object: &Object) -> [(String, Value); 1] {
    [("raw".to_owned(), Value::Object(object.clone()))]
}

fn reactions(object: &Object) -> impl Iterator<Item = &Value> {
    object.get("new_reaction").and_then(Value::as_array).into_iter().flatten()
}

/// What is kept of every message, whatever it says: to what it answers, and where it was written.
fn kept(message: &Object) -> Map<String, Value> {
    let mut metadata = whereabouts(message);
    for name in ["forward_origin", "media_group_id", "via_bot", "quote"] {
        metadata.extend(message.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let replied_to = message.get("reply_to_message").and_then(Value::as_object).and_then(name);
    metadata.extend(replied_to.map(|id| ("reply_to".to_owned(), Value::String(id))));
    metadata
}

/// Where an answer has to go: the chat, its topic, and the business account in whose name the bot answers there. The chat of a private
/// message is its writer's, so that only another one is named.
fn whereabouts(object: &Object) -> Map<String, Value> {
    let mut metadata = Map::new();
    let topic = object.get("is_topic_message").and_then(Value::as_bool).unwrap_or(false);
    let thread = object.get("message_thread_id").filter(|_| topic);
    metadata.extend(thread.map(|thread| ("message_thread_id".to_owned(), thread.clone())));
    let connection = fields::id(object, "business_connection_id");
    metadata.extend(connection.map(|id| ("business_connection_id".to_owned(), id.into())));
    let chat = object.get("chat").and_then(Value::as_object);
    let group = chat.filter(|chat| fields::text(chat, "type").is_some_and(|kind| kind != "private"));
    metadata.extend(group.and_then(chat_id).map(|id| ("group_id".to_owned(), Value::String(id))));
    metadata
}
