//! The typed records as the API shows them; the same shape that the services give theirs.

use serde_json::{Map, Value, json};

use crate::clients::{Conversation, Customer, Message, Participant, conversations, messages};
use crate::domain::{Names, Warning};
use sdk::clock::rfc3339;

/// A conversation with its participants and their names.
pub fn conversation(one: &Conversation, names: &Names) -> Value {
    with(conversation_alone(one), "participants", participants(one, names))
}

/// A conversation where its participants are told beside it.
pub fn conversation_alone(one: &Conversation) -> Value {
    json!({
        "id": one.id,
        "type": kind(one.kind),
        "status": status(one.status),
        "channel": one.channel,
        "channel_account_id": one.channel_account_id,
        "subject": one.subject,
        "metadata": object(&one.metadata),
        "last_seq": one.last_seq,
        "last_message_at": one.last_message_at.map(rfc3339),
        "last_message_preview": one.last_message_preview,
        "unread_count": one.unread_count,
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
    })
}

pub fn participants(one: &Conversation, names: &Names) -> Value {
    one.participants
        .iter()
        .map(|participant| self::participant(participant, names.get(&participant.customer_id)))
        .collect()
}

fn participant(one: &Participant, customer: Option<&Customer>) -> Value {
    json!({
        "id": one.id,
        "customer_id": one.customer_id,
        "name": customer.and_then(|customer| customer.name.as_deref()),
        "external_id": customer.map(|customer| &customer.external_id),
        "external_type": customer.map(|customer| &customer.external_type),
        "role": role(one.role),
        "joined_at": rfc3339(one.joined_at),
        "left_at": one.left_at.map(rfc3339),
    })
}

pub fn message(one: &Message) -> Value {
    json!({
        "id": one.id,
        "conversation_id": one.conversation_id,
        "seq": one.seq,
        "sender_customer_id": one.sender_customer_id,
        "direction": direction(one.direction),
        "body": one.body,
        "content_type": one.content_type,
        "media_id": one.media_id,
        "channel": one.channel,
        "channel_account_id": one.channel_account_id,
        "external_message_id": one.external_message_id,
        "client_ref": one.client_ref,
        "status": message_status(one.status),
        "sent_at": rfc3339(one.sent_at),
        "metadata": object(&one.metadata),
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
    })
}

pub fn message_with_sender(one: &Message, names: &Names) -> Value {
    let sender = one.sender_customer_id.as_deref().and_then(|id| names.get(id));
    with(message(one), "sender_name", json!(sender.and_then(|customer| customer.name.as_deref())))
}

pub fn warnings(warnings: &[Warning]) -> Value {
    warnings.iter().map(|warning| json!({ "part": warning.part, "detail": warning.detail })).collect()
}

/// The object with one member more.
pub fn with(mut object: Value, name: &str, member: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.insert(name.into(), member);
    }
    object
}

/// The services store JSON objects as text; one that is none would be their fault, and is shown as empty.
fn object(text: &str) -> Value {
    Value::Object(serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default())
}

fn kind(kind: conversations::Kind) -> &'static str {
    match kind {
        conversations::Kind::Direct => "direct",
        conversations::Kind::Group => "group",
        conversations::Kind::Channel => "channel",
    }
}

fn status(status: conversations::Status) -> &'static str {
    match status {
        conversations::Status::Open => "open",
        conversations::Status::Pending => "pending",
        conversations::Status::Closed => "closed",
    }
}

fn role(role: conversations::Role) -> &'static str {
    match role {
        conversations::Role::Member => "member",
        conversations::Role::Admin => "admin",
    }
}

fn direction(direction: messages::Direction) -> &'static str {
    match direction {
        messages::Direction::Inbound => "inbound",
        messages::Direction::Outbound => "outbound",
        messages::Direction::System => "system",
    }
}

fn message_status(status: messages::Status) -> &'static str {
    match status {
        messages::Status::Queued => "queued",
        messages::Status::Sent => "sent",
        messages::Status::Delivered => "delivered",
        messages::Status::Read => "read",
        messages::Status::Failed => "failed",
    }
}
