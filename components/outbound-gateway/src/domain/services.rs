//! The services that a delivery asks, as the domain sees them. `clients` speaks to the real ones.

use std::collections::BTreeMap;

use sdk::{Context, Micros};
use serde_json::{Map, Value};

use crate::provider::{Earlier, Failure};

/// A message as far as sending it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: String,
    pub conversation_id: String,
    /// Ours, and waiting to be sent.
    pub is_queued: bool,
    pub sender_customer_id: Option<String>,
    pub body: Option<String>,
    pub content_type: String,
    pub media_id: Option<String>,
    pub channel: Option<String>,
    pub channel_account_id: Option<String>,
    pub metadata: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    pub channel: Option<String>,
    pub channel_account_id: Option<String>,
    pub subject: Option<String>,
    /// Of two: a customer and somebody of the business.
    pub is_direct: bool,
    /// The customers who take part now.
    pub participants: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: Option<String>,
    pub external_type: String,
    pub external_id: String,
    pub identities: Vec<Identity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub channel_account_id: String,
    pub kind: String,
    pub value: String,
}

/// A customer on one of our accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub channel: String,
    pub channel_account_id: String,
    pub customer_id: String,
}

/// Until when a customer may be written to freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The channel has no such rule.
    Unlimited,
    NeverOpened,
    /// It may be past.
    ClosesAt(Micros),
}

/// A name by which a provider knows the recipient.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Alias {
    pub kind: String,
    pub value: String,
}

/// A tenant's own account of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelAccount {
    /// What messages and conversations call it.
    pub name: String,
    pub is_disabled: bool,
    /// By the account's own names. Never logged, never shown.
    pub credentials: BTreeMap<String, String>,
}

/// An attachment that we keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub state: State,
    /// A link that works for a while without a credential; a path only, when nobody has said where the world reaches us.
    pub url: String,
    pub filename: String,
    pub mime_type: String,
    pub size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Ready,
    Failed,
}

/// How a delivery ended, for `messaging`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub message_id: String,
    pub channel: String,
    pub channel_account_id: String,
    pub ended: Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    Sent(String),
    Failed(Failure),
    Unknown(Failure),
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It will never be accepted.
    Refused(String),
    /// Not now.
    Unavailable(String),
}

#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Services {
    async fn message(&self, context: &Context, id: &str) -> Result<Option<Message>, CallError>;
    async fn conversation(&self, context: &Context, id: &str) -> Result<Option<Conversation>, CallError>;
    /// Those of them that there are.
    async fn people(&self, context: &Context, ids: &[String]) -> Result<Vec<Person>, CallError>;
    async fn window(&self, context: &Context, party: &Party) -> Result<Window, CallError>;
    /// What was said before on this account, the newest first.
    async fn earlier(&self, context: &Context, conversation_id: &str, account: &str)
    -> Result<Vec<Earlier>, CallError>;
    /// What they answer arrives in this conversation. Safe to repeat.
    async fn route_answers(&self, context: &Context, conversation_id: &str, party: &Party) -> Result<(), CallError>;
    /// All of these are one customer; the first is the name that we wrote to. Safe to repeat.
    async fn learn(&self, context: &Context, channel: &str, account: &str, aliases: &[Alias]) -> Result<(), CallError>;
    /// The tenant's account of this name, or its oldest active one. `None`: it has none.
    async fn account(
        &self,
        context: &Context,
        channel: &str,
        name: Option<&str>,
    ) -> Result<Option<ChannelAccount>, CallError>;
    async fn attachment(&self, context: &Context, id: &str) -> Result<Option<Attachment>, CallError>;
    /// Of one that is small.
    async fn attachment_bytes(&self, context: &Context, id: &str) -> Result<Vec<u8>, CallError>;
    /// Safe to repeat.
    async fn report(&self, context: &Context, report: Report) -> Result<(), CallError>;
}
