//! The services that a webhook needs, as the domain sees them. `clients` speaks to the real ones.

use super::update::{Contact, Direction, Receipt};

/// What every call carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    pub tenant: String,
    /// For which the gateway acts.
    pub channel: &'static str,
    pub request_id: String,
    pub traceparent: String,
    /// How long the caller still waits.
    pub deadline_ms: u32,
}

/// Why a call, or one item of it, came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// It will never be accepted: repeating it is useless.
    Refused(String),
    /// Not now. Every call here may be made again.
    Unfinished(String),
}

/// The answers to a batch, in its order; or the reason why there is none.
pub type Batch<T> = Result<Vec<Result<T, CallError>>, CallError>;

/// Every call takes at most this many items.
pub const MAX_BATCH: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Direct {
    pub channel: &'static str,
    pub channel_account_id: String,
    pub customer_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    pub conversation_id: String,
    pub seq: u64,
    pub preview: String,
    pub at: i64,
    pub inbound: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    pub conversation_id: String,
    /// Absent when we wrote it.
    pub sender_customer_id: Option<String>,
    pub direction: Direction,
    pub body: Option<String>,
    pub content_type: String,
    pub channel: &'static str,
    pub channel_account_id: String,
    pub external_message_id: String,
    pub sent_at: i64,
    /// A JSON object.
    pub metadata: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    pub id: String,
    /// Where it is, and under which id; of one that was there already, as it was stored.
    pub conversation_id: String,
    pub external_message_id: String,
    pub seq: u64,
    /// It was there already.
    pub duplicate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    Accepted,
    Duplicate,
    /// Stored; its message has not been seen yet.
    Waiting,
}

#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Customers {
    /// The customers' ids.
    async fn resolve_many(&self, ctx: CallContext, contacts: Vec<Contact>) -> Batch<String>;
}

#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Conversations {
    /// The conversations' ids.
    async fn resolve_direct_many(&self, ctx: CallContext, items: Vec<Direct>) -> Batch<String>;
    async fn touch_many(&self, ctx: CallContext, items: Vec<Touch>) -> Result<(), CallError>;
}

#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Messages {
    async fn insert_many(&self, ctx: CallContext, messages: Vec<NewMessage>) -> Batch<Inserted>;
    async fn record_receipts(&self, ctx: CallContext, receipts: Vec<Receipt>) -> Batch<Recorded>;
}

impl CallError {
    pub fn reason(&self) -> &str {
        match self {
            CallError::Refused(reason) | CallError::Unfinished(reason) => reason,
        }
    }
}
