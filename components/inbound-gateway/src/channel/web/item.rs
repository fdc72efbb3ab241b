//! One item of `messages` or `receipts`.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::CHANNEL;
use crate::channel::fields::{self, Object};
use crate::channel::{carried, parts};
use crate::domain::{Contact, Content, Direction, Identity, Message, Receipt};

pub(super) fn read(list: &str, raw: &RawValue, account: &str, received_at: i64) -> Content {
    match (fields::object(raw), list) {
        (Some(item), "messages") => message(&item, account, received_at),
        (Some(item), _) => receipt(item, account, received_at),
        (None, _) => Content::rejected("item_malformed"),
    }
}

fn message(item: &Object, account: &str, received_at: i64) -> Content {
    let Some(external_id) = fields::key(item, "id") else {
        return Content::rejected("message_without_id");
    };
    let from = item.get("from").and_then(Value::as_object);
    let Some((from, visitor)) = from.and_then(|from| Some((from, fields::key(from, "id")?))) else {
        return Content::rejected("message_without_from");
    };
    let body = fields::text(item, "text").map(fields::readable);
    let media = item.get("media").and_then(Value::as_object).map(medium);
    let kind = fields::text(item, "type").and_then(fields::word);
    let part = kind.and_then(|kind| part(item, kind));
    if body.is_none() && media.is_none() && part.is_none() {
        return Content::rejected("message_without_text_or_media");
    }
    let of_media = media.as_ref().filter(|_| body.is_none()).map(|media| parts::kind(media["mime_type"].as_str()));
    Content::Message(Box::new(Message {
        external_id,
        contact: Contact {
            channel: CHANNEL,
            identities: vec![Identity { channel_account_id: account.to_owned(), kind: "visitor-id", value: visitor }],
            name: fields::name(from, "name"),
        },
        direction: Direction::Inbound,
        content_type: kind.or(of_media).unwrap_or("text").to_owned(),
        body,
        sent_at: time(item, "sent_at", received_at),
        metadata: metadata(item, media.map(|media| ("media".to_owned(), media)).into_iter().chain(part)),
    }))
}

/// As it came; in place of bytes that came along, which file they are now.
fn medium(media: &Object) -> Value {
    let mut media = media.clone();
    media.remove("file");
    let carried = media.remove("content").as_ref().and_then(carried::read);
    let media = Value::Object(media);
    carried.map_or_else(|| media.clone(), |carried| carried.beside(media.clone()))
}

/// What a message of another type says, under the name of its type (`location`, …): we need not know it to keep it.
fn part(item: &Object, kind: &str) -> Option<(String, Value)> {
    let is_ours = ["id", "from", "text", "media", "metadata", "reply_to", "sent_at", "type"].contains(&kind);
    let part = item.get(kind).filter(|part| part.is_object() && !is_ours)?;
    Some((kind.to_owned(), part.clone()))
}

/// What the site gave as metadata, and beside it what has a name of its own.
fn metadata(item: &Object, parts: impl Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut metadata = item.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(replied_to) = fields::key(item, "reply_to") {
        metadata.insert("reply_to".to_owned(), Value::String(replied_to));
    }
    metadata.extend(parts);
    metadata
}

fn receipt(mut item: Object, account: &str, received_at: i64) -> Content {
    let Some(external_message_id) = fields::key(&item, "message_id") else {
        return Content::rejected("receipt_without_message_id");
    };
    let Some(status) = fields::text(&item, "status").and_then(fields::word).map(str::to_owned) else {
        return Content::rejected("receipt_without_status");
    };
    let at = time(&item, "at", received_at);
    if status == "failed" {
        item.insert("failure".to_owned(), fields::failure(fields::key(&item, "code"), fields::name(&item, "reason")));
    }
    for told in ["status", "at", "code", "reason"] {
        item.remove(told);
    }
    let details = Value::Object(item).to_string();
    let channel_account_id = account.to_owned();
    Content::Receipt(Receipt { channel_account_id, external_message_id, status, at, details })
}

/// The time of receipt where it says nothing believable.
fn time(item: &Object, name: &str, received_at: i64) -> i64 {
    fields::believable(item.get(name).and_then(fields::moment), received_at)
}
