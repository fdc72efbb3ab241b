//! What of an item is stored: the message with its words and details in the bounds of `messaging`, the file that it has, and what its
//! conversation learns.

use super::services::{CallError, Inserted, NewMessage, Touch};
use super::update::{Direction, Message};
use crate::attachments::{Wanted, source};
use crate::channel;

/// What `messaging` stores with a message. Real ones have some kilobytes.
const MAX_METADATA_BYTES: usize = 256 << 10;
/// The longest body that it stores.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Whether the message that is there under this id is not the same one: it is in somebody else's conversation.
pub(super) fn is_a_stranger_s(new: &NewMessage, answer: &Result<Inserted, CallError>) -> bool {
    let by_senders = channel::find(new.channel).is_some_and(|channel| channel.ids_are_senders());
    let elsewhere = |found: &Inserted| found.duplicate && found.conversation_id != new.conversation_id;
    by_senders && answer.as_ref().is_ok_and(elsewhere)
}

/// A blank is in neither part, so that no other id can look like this one.
pub(super) fn renamed(new: &NewMessage, message: &Message) -> NewMessage {
    let sender = message.contact.identities.first().map_or("", |identity| identity.value.as_str());
    NewMessage { external_message_id: format!("{} {sender}", new.external_message_id), ..new.clone() }
}

/// `account`: ours, that received it.
pub(super) fn new_message((account, message): (&str, &Message), customer: &str, conversation: &str) -> NewMessage {
    NewMessage {
        conversation_id: conversation.to_owned(),
        sender_customer_id: (message.direction != Direction::Outbound).then(|| customer.to_owned()),
        direction: message.direction,
        body: message.body.as_deref().map(|body| cut(body).to_owned()),
        content_type: message.content_type.clone(),
        channel: message.contact.channel,
        channel_account_id: account.to_owned(),
        external_message_id: message.external_id.clone(),
        sent_at: message.sent_at,
        metadata: metadata(message),
    }
}

/// As much of the words as `messaging` stores; all of them stay in the delivery.
fn cut(body: &str) -> &str {
    let mut end = body.len().min(MAX_BODY_BYTES);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    body.get(..end).unwrap_or_default()
}

/// The file of a message that came by this delivery.
pub(super) fn attachment(message: &Message, delivery: &str) -> Option<source::Source> {
    source::of(message.contact.channel, &message.metadata, delivery)
}

/// The file of a message that is stored. The same message has the same reference in every delivery.
pub(super) fn wanted(
    tenant: &str,
    delivery: &str,
    (account, message): (&str, &Message),
    conversation: &str,
    inserted: &Inserted,
) -> Option<Wanted> {
    Some(Wanted {
        tenant: tenant.to_owned(),
        reference: format!("{}/{}/{}", message.contact.channel, account, inserted.external_message_id),
        message_id: inserted.id.clone(),
        conversation_id: conversation.to_owned(),
        channel: message.contact.channel.to_owned(),
        channel_account_id: account.to_owned(),
        source: attachment(message, delivery)?,
    })
}

/// With `media.status`, when there is a file to be fetched: `messaging` is told when it is here.
/// Rather without its largest details than not at all: they stay in the delivery.
fn metadata(message: &Message) -> String {
    let mut metadata = message.metadata.clone();
    if attachment(message, "").is_some()
        && let Some(media) = metadata.get_mut("media").and_then(serde_json::Value::as_object_mut)
    {
        media.insert("status".to_owned(), "pending".into());
    }
    let mut whole = serde_json::Value::Object(metadata.clone()).to_string();
    while whole.len() > MAX_METADATA_BYTES {
        let size = |value: &serde_json::Value| value.to_string().len();
        let largest = metadata.iter().max_by_key(|(_, value)| size(value)).map(|(name, _)| name.clone());
        let Some(largest) = largest else { break };
        metadata.remove(&largest);
        metadata.insert("omitted".to_owned(), "larger than 256 KiB".into());
        whole = serde_json::Value::Object(metadata.clone()).to_string();
    }
    whole
}

/// What its conversation learns.
pub(super) fn touch(message: &Message, conversation_id: String, seq: u64) -> Touch {
    let inbound = message.direction == Direction::Inbound;
    Touch { conversation_id, seq, preview: message.preview(), at: message.sent_at, inbound }
}
