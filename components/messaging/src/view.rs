//! A message in the API and in events.

use sdk::{clock::rfc3339, response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::Message;

#[derive(Serialize)]
pub(crate) struct View {
    id: String,
    conversation_id: String,
    seq: u64,
    sender_customer_id: Option<String>,
    direction: &'static str,
    body: Option<String>,
    content_type: String,
    media_id: Option<String>,
    channel: Option<String>,
    channel_account_id: Option<String>,
    external_message_id: Option<String>,
    client_ref: Option<String>,
    status: &'static str,
    sent_at: String,
    metadata: Box<RawValue>,
    created_at: String,
    updated_at: String,
}

impl From<Message> for View {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            conversation_id: message.conversation_id,
            seq: message.seq,
            sender_customer_id: message.sender_customer_id,
            direction: message.direction.as_str(),
            body: message.body,
            content_type: message.content_type,
            media_id: message.media_id,
            channel: message.channel,
            channel_account_id: message.channel_account_id,
            external_message_id: message.external_message_id,
            client_ref: message.client_ref,
            status: message.status.as_str(),
            sent_at: rfc3339(message.sent_at),
            metadata: response::raw_object(message.metadata),
            created_at: rfc3339(message.created_at),
            updated_at: rfc3339(message.updated_at),
        }
    }
}
