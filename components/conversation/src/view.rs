//! A conversation in the API and in events.

use sdk::{clock::rfc3339, response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{Conversation, Participant};

#[derive(Serialize)]
pub(crate) struct View {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    channel: Option<String>,
    channel_account_id: Option<String>,
    subject: Option<String>,
    metadata: Box<RawValue>,
    last_seq: u64,
    last_message_at: Option<String>,
    last_message_preview: Option<String>,
    unread_count: u64,
    participants: Vec<ParticipantView>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
pub(crate) struct ParticipantView {
    id: String,
    customer_id: String,
    role: &'static str,
    joined_at: String,
    left_at: Option<String>,
}

impl From<Conversation> for View {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            kind: conversation.kind.as_str(),
            status: conversation.status.as_str(),
            channel: conversation.channel,
            channel_account_id: conversation.channel_account_id,
            subject: conversation.subject,
            metadata: response::raw_object(conversation.metadata),
            last_seq: conversation.last_seq,
            last_message_at: conversation.last_message_at.map(rfc3339),
            last_message_preview: conversation.last_message_preview,
            unread_count: conversation.unread_count,
            participants: conversation.participants.into_iter().map(Into::into).collect(),
            created_at: rfc3339(conversation.created_at),
            updated_at: rfc3339(conversation.updated_at),
        }
    }
}

impl From<Participant> for ParticipantView {
    fn from(participant: Participant) -> Self {
        Self {
            id: participant.id,
            customer_id: participant.customer_id,
            role: participant.role.as_str(),
            joined_at: rfc3339(participant.joined_at),
            left_at: participant.left_at.map(rfc3339),
        }
    }
}
