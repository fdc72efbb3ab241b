//! The typed records as the API shows them; the same shape that the services give theirs.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::clients::{Conversation, Customer, Message, Participant, ReplyWindow, conversations, messages};
use crate::domain::Names;
use sdk::Micros;
use sdk::clock::rfc3339;
use sdk::response::raw_object;

#[derive(Serialize)]
pub struct CustomerView<'a> {
    id: &'a str,
    external_id: &'a str,
    external_type: &'a str,
    name: Option<&'a str>,
    metadata: Box<RawValue>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
pub struct ConversationView<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    channel: Option<&'a str>,
    channel_account_id: Option<&'a str>,
    subject: Option<&'a str>,
    metadata: Box<RawValue>,
    last_seq: u64,
    last_message_at: Option<String>,
    last_message_preview: Option<&'a str>,
    unread_count: u64,
    /// Absent where they are told beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    participants: Option<Vec<ParticipantView<'a>>>,
    /// Only of a conversation that is asked for alone; null where the channel has no such rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_window: Option<Option<ReplyWindowView>>,
    created_at: String,
    updated_at: String,
}

/// Until when the business may answer freely.
#[derive(Serialize)]
pub struct ReplyWindowView {
    /// Null when the customer has not written yet; it may be past.
    closes_at: Option<String>,
}

#[derive(Serialize)]
pub struct ParticipantView<'a> {
    id: &'a str,
    customer_id: &'a str,
    /// Null when the customer gave none, or cannot be had.
    name: Option<&'a str>,
    external_id: Option<&'a str>,
    external_type: Option<&'a str>,
    role: &'static str,
    joined_at: String,
    left_at: Option<String>,
}

#[derive(Serialize)]
pub struct MessageView<'a> {
    id: &'a str,
    conversation_id: &'a str,
    seq: u64,
    sender_customer_id: Option<&'a str>,
    direction: &'static str,
    body: Option<&'a str>,
    content_type: &'a str,
    media_id: Option<&'a str>,
    channel: Option<&'a str>,
    channel_account_id: Option<&'a str>,
    external_message_id: Option<&'a str>,
    client_ref: Option<&'a str>,
    status: &'static str,
    sent_at: String,
    metadata: Box<RawValue>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
pub struct NamedMessageView<'a> {
    #[serde(flatten)]
    message: MessageView<'a>,
    sender_name: Option<&'a str>,
}

pub fn customer(one: &Customer) -> CustomerView<'_> {
    CustomerView {
        id: &one.id,
        external_id: &one.external_id,
        external_type: &one.external_type,
        name: one.name.as_deref(),
        metadata: raw_object(one.metadata.clone()),
        created_at: rfc3339(one.created_at),
        updated_at: rfc3339(one.updated_at),
    }
}

/// A conversation with its participants and their names.
pub fn conversation<'a>(one: &'a Conversation, names: &'a Names) -> ConversationView<'a> {
    ConversationView { participants: Some(participants(one, names)), ..conversation_alone(one) }
}

/// The window that is open longest, where several people might be answered.
pub fn reply_window(windows: &[ReplyWindow]) -> Option<ReplyWindowView> {
    let closes = |window: &ReplyWindow| match window {
        ReplyWindow::Unlimited => None,
        ReplyWindow::NeverOpened => Some(None),
        ReplyWindow::ClosesAt(at) => Some(Some(*at)),
    };
    let latest: Option<Micros> = windows.iter().filter_map(closes).max()?;
    Some(ReplyWindowView { closes_at: latest.map(rfc3339) })
}

/// A conversation with its window, where that is known.
pub fn with_window<'a>(view: ConversationView<'a>, windows: Option<&[ReplyWindow]>) -> ConversationView<'a> {
    ConversationView { reply_window: windows.map(reply_window), ..view }
}

/// A conversation where its participants are told beside it.
pub fn conversation_alone(one: &Conversation) -> ConversationView<'_> {
    ConversationView {
        id: &one.id,
        kind: kind(one.kind),
        status: status(one.status),
        channel: one.channel.as_deref(),
        channel_account_id: one.channel_account_id.as_deref(),
        subject: one.subject.as_deref(),
        metadata: raw_object(one.metadata.clone()),
        last_seq: one.last_seq,
        last_message_at: one.last_message_at.map(rfc3339),
        last_message_preview: one.last_message_preview.as_deref(),
        unread_count: one.unread_count,
        participants: None,
        reply_window: None,
        created_at: rfc3339(one.created_at),
        updated_at: rfc3339(one.updated_at),
    }
}

pub fn participants<'a>(one: &'a Conversation, names: &'a Names) -> Vec<ParticipantView<'a>> {
    one.participants.iter().map(|one| participant(one, names.get(&one.customer_id))).collect()
}

fn participant<'a>(one: &'a Participant, customer: Option<&'a Customer>) -> ParticipantView<'a> {
    ParticipantView {
        id: &one.id,
        customer_id: &one.customer_id,
        name: customer.and_then(|customer| customer.name.as_deref()),
        external_id: customer.map(|customer| customer.external_id.as_str()),
        external_type: customer.map(|customer| customer.external_type.as_str()),
        role: role(one.role),
        joined_at: rfc3339(one.joined_at),
        left_at: one.left_at.map(rfc3339),
    }
}

pub fn message(one: &Message) -> MessageView<'_> {
    MessageView {
        id: &one.id,
        conversation_id: &one.conversation_id,
        seq: one.seq,
        sender_customer_id: one.sender_customer_id.as_deref(),
        direction: direction(one.direction),
        body: one.body.as_deref(),
        content_type: &one.content_type,
        media_id: one.media_id.as_deref(),
        channel: one.channel.as_deref(),
        channel_account_id: one.channel_account_id.as_deref(),
        external_message_id: one.external_message_id.as_deref(),
        client_ref: one.client_ref.as_deref(),
        status: message_status(one.status),
        sent_at: rfc3339(one.sent_at),
        metadata: raw_object(one.metadata.clone()),
        created_at: rfc3339(one.created_at),
        updated_at: rfc3339(one.updated_at),
    }
}

pub fn message_with_sender<'a>(one: &'a Message, names: &'a Names) -> NamedMessageView<'a> {
    let sender = one.sender_customer_id.as_deref().and_then(|id| names.get(id));
    NamedMessageView { message: message(one), sender_name: sender.and_then(|customer| customer.name.as_deref()) }
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
        messages::Status::Unknown => "unknown",
    }
}
