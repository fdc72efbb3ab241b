//! What a webhook says, item by item, in terms that every channel shares.

use serde_json::{Map, Value};

/// One item of a delivery: where it stood, which account it concerns, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// JSON pointer into the body. Names the item across attempts.
    pub at: String,
    /// The provider's id of our account that received it (`phone_number_id`); decides the tenant. Empty where the item names none.
    pub account: String,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Message(Box<Message>),
    Receipt(Receipt),
    /// Understood, and nothing to do.
    Ignored(String),
    /// Not understood, and never will be.
    Rejected(String),
}

impl Content {
    pub fn ignored(reason: impl Into<String>) -> Self {
        Content::Ignored(reason.into())
    }

    pub fn rejected(reason: impl Into<String>) -> Self {
        Content::Rejected(reason.into())
    }
}

/// Something that was written to, or by, one of our accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub external_id: String,
    /// The other side: who wrote it, or to whom we did.
    pub contact: Contact,
    pub direction: Direction,
    pub content_type: String,
    pub body: Option<String>,
    /// Microseconds since the Unix epoch, as the provider says; its absence is filled with the time of receipt.
    pub sent_at: i64,
    pub metadata: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    /// Sent already, past us: what the business wrote with the phone's own app.
    Outbound,
    /// The channel's own notices (a changed number): not unread, reopens nothing.
    System,
}

/// A person, by every name that the channel gave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Contact {
    pub channel: &'static str,
    /// The preferred first. Never empty.
    pub identities: Vec<Identity>,
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    pub channel_account_id: String,
    pub kind: &'static str,
    pub value: String,
}

/// What the provider reports of a message that it carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub channel_account_id: String,
    pub external_message_id: String,
    pub status: String,
    /// Microseconds since the Unix epoch.
    pub at: i64,
    /// A JSON object.
    pub details: String,
}

/// A line of a list of conversations shows no more.
const PREVIEW_CHARS: usize = 120;

impl Message {
    /// Its first characters on one line, or what it is: `[image]`.
    pub fn preview(&self) -> String {
        let words = self.body.as_deref().unwrap_or_default().split_whitespace();
        let line = words.take(PREVIEW_CHARS).collect::<Vec<_>>().join(" ");
        if line.is_empty() { format!("[{}]", self.content_type) } else { line.chars().take(PREVIEW_CHARS).collect() }
    }
}
