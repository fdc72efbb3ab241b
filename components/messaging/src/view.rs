//! A message in the API and in events, and its past.

use sdk::{clock::rfc3339, response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    domain::Message,
    history::{Reported, Version},
};

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

/// What a message was before a change.
#[derive(Serialize)]
pub(crate) struct VersionView {
    version: u64,
    body: Option<String>,
    status: &'static str,
    changed_by: String,
    changed_at: String,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        Self {
            version: version.number,
            body: version.body,
            status: version.status.as_str(),
            changed_by: version.principal,
            changed_at: rfc3339(version.changed_at),
        }
    }
}

/// What a provider reported, as it came.
#[derive(Serialize)]
pub(crate) struct ReceiptView {
    status: String,
    at: String,
    external_message_id: String,
    details: Box<RawValue>,
    received_at: String,
}

impl From<Reported> for ReceiptView {
    fn from(reported: Reported) -> Self {
        Self {
            status: reported.status,
            at: rfc3339(reported.at),
            external_message_id: reported.external_message_id,
            details: response::raw_object(reported.details),
            received_at: rfc3339(reported.received_at),
        }
    }
}
