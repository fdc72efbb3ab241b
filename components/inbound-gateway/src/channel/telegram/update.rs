//! One update: a message, a changed message, a tapped button, a reaction, or something that is kept as it came.

use serde_json::{Map, Value};

use super::{CHANNEL, content};
use crate::channel::fields::{self, Object};
use crate::domain::{Contact, Content, Direction, Identity, Message, Update};

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
        "message" | "business_message" => reader.message(),
        "edited_message" | "edited_business_message" => reader.edit(),
        "callback_query" => reader.button(),
        "message_reaction" => reader.reaction(),
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
            metadata.insert("raw".to_owned(), Value::Object(self.object.clone()));
        }
        self.told(external_id, Direction::Inbound, body.kind, body.text, metadata)
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
        let version = fields::key(self.object, "edit_date").unwrap_or_else(|| self.number.to_owned());
        self.told(format!("{edited}:edit:{version}"), Direction::Inbound, "edit", body.text, metadata)
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
        self.told(format!("callback:{id}"), Direction::Inbound, "button", data, metadata)
    }

    /// The emoji that are there now; none when they were taken back.
    fn reaction(&self) -> Content {
        let Some(target) = name(self.object) else {
            return Content::rejected("reaction_without_message");
        };
        let reactions = self.object.get("new_reaction").and_then(Value::as_array).into_iter().flatten();
        let emoji: Vec<&str> = reactions.filter_map(|reaction| reaction.get("emoji")?.as_str()).collect();
        let mut metadata = Map::new();
        metadata.insert("reaction".to_owned(), serde_json::json!({ "message_id": target, "emoji": emoji }));
        metadata.insert("reply_to".to_owned(), Value::String(target));
        let words = (!emoji.is_empty()).then(|| emoji.concat());
        self.told(format!("update:{}", self.number), Direction::Inbound, "reaction", words, metadata)
    }

    /// Of other kinds, what names a person is a notice in that person's conversation; the rest concerns nobody.
    fn anything(&self, kind: &str) -> Content {
        if person(self.object).is_none() {
            return Content::ignored(format!("update:{kind}"));
        }
        let mut metadata = Map::new();
        metadata.insert("raw".to_owned(), Value::Object(self.object.clone()));
        self.told(format!("update:{}", self.number), Direction::System, kind, None, metadata)
    }

    fn told(
        &self,
        external_id: String,
        direction: Direction,
        kind: &str,
        body: Option<String>,
        metadata: Map<String, Value>,
    ) -> Content {
        let Some((id, name)) = person(self.object) else {
            return Content::rejected("message_without_from");
        };
        let identity = Identity { channel_account_id: self.account.to_owned(), kind: "chat-id", value: id };
        Content::Message(Box::new(Message {
            external_id,
            contact: Contact { channel: CHANNEL, identities: vec![identity], name },
            direction,
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

/// `<chat>:<message>` of a message, or of what names one.
fn name(object: &Object) -> Option<String> {
    let chat = object.get("chat").and_then(Value::as_object).and_then(|chat| fields::key(chat, "id"))?;
    Some(format!("{chat}:{}", fields::key(object, "message_id")?))
}

/// Whom it is from. In a group too it is the person: a private chat with a bot has the person's own id.
fn person(object: &Object) -> Option<(String, Option<String>)> {
    let from = object.get("from").or_else(|| object.get("user"))?.as_object()?;
    let names: Vec<String> = ["first_name", "last_name"].iter().filter_map(|name| fields::name(from, name)).collect();
    let name = if names.is_empty() { fields::name(from, "username") } else { Some(names.join(" ")) };
    Some((fields::key(from, "id")?, name))
}

/// What is kept of every message, whatever it says: to what it answers, and in which group it was written.
fn kept(message: &Object) -> Map<String, Value> {
    let mut metadata = Map::new();
    for name in ["forward_origin", "media_group_id", "message_thread_id", "via_bot", "quote", "business_connection_id"]
    {
        metadata.extend(message.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let replied_to = message.get("reply_to_message").and_then(Value::as_object).and_then(name);
    metadata.extend(replied_to.map(|id| ("reply_to".to_owned(), Value::String(id))));
    let chat = message.get("chat").and_then(Value::as_object);
    let group = chat.filter(|chat| fields::text(chat, "type").is_some_and(|kind| kind != "private"));
    metadata.extend(group.and_then(|chat| Some(("group_id".to_owned(), Value::String(fields::key(chat, "id")?)))));
    metadata
}
