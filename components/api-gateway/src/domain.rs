//! The rules of the answers that need more than one service: whose names to look up, what a touch says, what is missing.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use crate::clients::{Conversation, Customer, Message, Touch};
use crate::clients::{conversations, messages};

/// The typed interfaces take at most this many ids in one `get-many`.
pub const MAX_IDS_PER_CALL: usize = 500;

/// A conversation has no more; their owner refuses it too, but only after all have been looked up.
pub const MAX_PARTICIPANTS: usize = 1000;

/// The window of a conversation is that of one of these.
const MAX_PARTIES: usize = 100;

/// Characters of a message that its conversation shows in a list.
const PREVIEW_CHARS: usize = 120;

/// A part of an answer that could not be had, and why; the rest of the answer is given all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub part: &'static str,
    pub detail: String,
}

/// The customers of a page by id. What is not in it is unknown, or its service is down.
#[derive(Default)]
pub struct Names(HashMap<String, Customer>);

impl Names {
    pub fn of(customers: Vec<Customer>) -> Self {
        Self(customers.into_iter().map(|customer| (customer.id.clone(), customer)).collect())
    }

    pub fn get(&self, id: &str) -> Option<&Customer> {
        self.0.get(id)
    }

    pub fn contains(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}

/// Everybody whose name an answer shows, each once.
pub fn people<'a>(
    conversations: impl IntoIterator<Item = &'a Conversation>,
    messages: impl IntoIterator<Item = &'a Message>,
) -> Vec<String> {
    let participants = conversations.into_iter().flat_map(|one| &one.participants).map(|one| &one.customer_id);
    let senders = messages.into_iter().filter_map(|one| one.sender_customer_id.as_ref());
    let distinct: BTreeSet<&String> = participants.chain(senders).collect();
    distinct.into_iter().cloned().collect()
}

/// The customers in a conversation, on its account; of a great group the first.
pub fn parties(conversation: &Conversation) -> Vec<messages::Party> {
    let (Some(channel), Some(account)) = (&conversation.channel, &conversation.channel_account_id) else {
        return Vec::new();
    };
    let party = |one: &conversations::Participant| messages::Party {
        channel: channel.clone(),
        channel_account_id: account.clone(),
        customer_id: one.customer_id.clone(),
    };
    conversation.participants.iter().filter(|one| one.left_at.is_none()).take(MAX_PARTIES).map(party).collect()
}

/// What a list shows of a message: its first characters on one line, else what it is (`[image]`, `[template: order_update]`).
pub fn preview(body: Option<&str>, content_type: &str, metadata: &Value) -> String {
    let words = body.unwrap_or_default().split_whitespace().take(PREVIEW_CHARS);
    let line = words.collect::<Vec<_>>().join(" ");
    match template(metadata).filter(|_| content_type == "template") {
        _ if !line.is_empty() => line.chars().take(PREVIEW_CHARS).collect(),
        Some(name) => format!("[template: {name}]").chars().take(PREVIEW_CHARS).collect(),
        None => format!("[{content_type}]"),
    }
}

/// The name of a message's template: Meta's, or Twilio's id.
fn template(metadata: &Value) -> Option<&str> {
    metadata.pointer("/template/name").or_else(|| metadata.get("content_sid"))?.as_str()
}

/// What a message with an attachment of this media type is, when its sender does not say.
pub fn content_type(mime_type: &str) -> &'static str {
    match mime_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    }
}

/// The touches that a conversation has missed, oldest first: a message is stored before its conversation learns of it,
/// and a gateway may die in between.
pub fn missed_touches(conversation: &Conversation, messages: &[Message]) -> Vec<Touch> {
    let mut missed: Vec<Touch> =
        messages.iter().filter(|message| message.seq > conversation.last_seq).map(touch_for).collect();
    missed.sort_by_key(|touch| touch.seq);
    missed
}

/// A sender's clock may be wrong: a message is never newer than its acceptance, or it would stay on top of every list.
pub fn touch_for(message: &Message) -> Touch {
    Touch {
        conversation_id: message.conversation_id.clone(),
        seq: message.seq,
        preview: preview(
            message.body.as_deref(),
            &message.content_type,
            &serde_json::from_str(&message.metadata).unwrap_or_default(),
        ),
        at: message.sent_at.min(message.created_at),
        inbound: message.direction == messages::Direction::Inbound,
    }
}

/// The order that a query names, if it is one; `-` is downwards.
pub fn sort(text: &str) -> Option<conversations::Sort> {
    match text {
        "-last_message_at" => Some(conversations::Sort::LastMessageDown),
        "last_message_at" => Some(conversations::Sort::LastMessageUp),
        "-created_at" => Some(conversations::Sort::CreatedDown),
        "created_at" => Some(conversations::Sort::CreatedUp),
        _ => None,
    }
}

/// The status that a query names, if it is one.
pub fn status(text: &str) -> Option<conversations::Status> {
    match text {
        "open" => Some(conversations::Status::Open),
        "pending" => Some(conversations::Status::Pending),
        "closed" => Some(conversations::Status::Closed),
        _ => None,
    }
}
