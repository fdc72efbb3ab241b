//! Providers: one module per channel, each turning a message into the provider's call and the provider's answer into a verdict.
//!
//! Pure: no module here does I/O. What a provider says by code is a table in its module ([`class::Table`]).

pub mod class;
pub mod email;
pub mod signed_webhook;
pub mod sms;
pub mod telegram;
pub mod web;
pub mod whatsapp;

mod fields;
mod mail;

use std::collections::BTreeMap;

use sdk::Micros;
use serde_json::{Map, Value};

/// A channel's way out.
pub trait Provider: Sync {
    /// The variables that it needs; one that has no value means that the channel is not set up.
    fn settings(&self) -> &'static [&'static str];

    /// Variables that it can do without.
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a channel account's own credentials are called there, and the variables whose place they take. Empty: only the
    /// deployment's settings lead out by this channel.
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether messages can be sent from an account of this name; else it only holds the credentials of others.
    fn is_sender(&self, _account: &str) -> bool {
        true
    }

    /// The variable with the account of messages and conversations that name none.
    fn default_account(&self) -> Option<&'static str> {
        None
    }

    /// By which of a customer's identities it reaches them from this account, the preferred first. Empty: it needs no recipient.
    fn identities(&self, account: &str) -> &'static [&'static str];

    /// Whether the provider, given the same message twice, sends it once.
    fn is_idempotent(&self) -> bool {
        false
    }

    /// Whether an answer has to know what was said before it: in which chat, and in which thread.
    fn follows_thread(&self) -> bool {
        false
    }

    /// How many bytes of an attachment go with the message itself; `None`: it takes a link.
    fn attachment_limit(&self) -> Option<u64> {
        None
    }

    /// Whether the customer's window must be open for this message; a template needs none.
    fn needs_window(&self, _outgoing: &Outgoing) -> bool {
        false
    }

    /// What to do for this message.
    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure>;

    /// What the answer says. `attempt` counts from 1.
    fn verdict(&self, answer: &Answer, attempt: u32) -> Verdict;

    /// Other names of the recipient that the answer tells, as kind and value: the same person writes from them.
    fn known_as(&self, _answer: &Answer, _recipient: &Recipient) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Asks the provider for messages that could be this one. `None`: it cannot be asked.
    fn inquiry(&self, _outgoing: &Outgoing, _settings: &Settings) -> Option<Inquiry> {
        None
    }

    /// Its answer: the ids of those that it has since then. `None`: it did not say, or not of all.
    fn found(&self, _answer: &Answer, _outgoing: &Outgoing, _since: Micros) -> Option<Vec<String>> {
        None
    }

    /// Whether a message that it does not find was never taken.
    fn is_absence_proof(&self) -> bool {
        false
    }
}

/// A question about a message whose sending broke off.
pub type Inquiry = Result<Box<http::Request<Vec<u8>>>, Failure>;

/// A message on its way to one person.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub message_id: String,
    pub conversation_id: String,
    pub channel: String,
    pub account: String,
    pub recipient: Option<Recipient>,
    pub kind: String,
    pub body: Option<String>,
    pub metadata: Map<String, Value>,
    /// What goes with the message itself.
    pub attached: Option<Attached>,
    /// The conversation's.
    pub subject: Option<String>,
    /// What was said before on this account, the newest first; only where the provider follows it.
    pub earlier: Vec<Earlier>,
    /// Microseconds since the Unix epoch.
    pub now: Micros,
}

/// A message before this one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    pub id: String,
    pub is_inbound: bool,
    /// Nobody wrote it: a notice of the channel's, or a machine's answer.
    pub is_system: bool,
    /// The provider's id; ours have one once they were sent.
    pub external_id: Option<String>,
    pub metadata: Map<String, Value>,
}

impl Earlier {
    fn text(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    pub filename: String,
    pub mime_type: String,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub kind: String,
    pub value: String,
    pub name: Option<String>,
}

/// Variables by name; those without a value are not there.
#[derive(Clone, Debug, Default)]
pub struct Settings(pub BTreeMap<&'static str, String>);

impl Settings {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A setting that [`Provider::settings`] names, and so is there.
    fn need(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    fn base(&self, name: &str) -> &str {
        self.need(name).trim_end_matches('/')
    }
}

/// What is to be done for a message.
#[derive(Debug)]
pub enum Plan {
    Call(Box<http::Request<Vec<u8>>>),
    /// Nothing is to be called: it has arrived, under this id.
    Arrived(String),
}

/// What the provider answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after_seconds: Option<u64>,
    pub body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why a message was not sent: shown on it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    pub code: Option<String>,
    pub reason: String,
}

impl Failure {
    pub fn new(code: &str, reason: impl Into<String>) -> Self {
        Self { code: Some(code.to_owned()), reason: reason.into() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider has it, under this id.
    Sent(String),
    /// The provider has it not, and may take it later; not before so many seconds, where it said so.
    Retry(Failure, Option<u64>),
    /// It will never take it.
    Refused(Failure),
    /// It takes nothing more from this account.
    Stop(Failure),
    /// It may have it.
    Unknown(Failure),
}

/// The provider of a channel. What has none of its own goes to the deployment's webhook; what has no channel is read by the API.
pub fn of(channel: Option<&str>) -> &'static dyn Provider {
    match channel {
        Some(whatsapp::CHANNEL) => &whatsapp::WhatsApp,
        Some(sms::CHANNEL) => &sms::Sms,
        Some(telegram::CHANNEL) => &telegram::Telegram,
        Some(email::CHANNEL) => &email::Email,
        None | Some(web::CHANNEL) => &web::Web,
        Some(_) => &signed_webhook::SignedWebhook,
    }
}
