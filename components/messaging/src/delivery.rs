//! Delivery: how handing an outbound message to its provider ended, and when it may be handed over again.

use sdk::{Context, Micros, ids};
use serde_json::{Value, json};

use crate::domain::{Direction, Error, MAX_REF, MAX_WORD, Message, Status, Store, invalid};

/// A provider's explanation; a longer one is none.
const MAX_REASON_CHARS: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub message_id: String,
    pub channel: String,
    pub channel_account_id: String,
    pub ended: Ended,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The provider has it, under this id.
    Sent(String),
    Failed(Failure),
    /// The provider may have it.
    Unknown(Failure),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: Option<String>,
    pub reason: String,
}

impl Failure {
    /// As the message's metadata have it.
    pub fn to_json(&self) -> String {
        let cut = |text: &str, max| text.chars().filter(|c| *c != '\0').take(max).collect::<String>();
        let code = self.code.as_deref().map(|code| cut(code, MAX_REF));
        json!({ "code": code, "reason": cut(&self.reason, MAX_REASON_CHARS) }).to_string()
    }

    /// What a receipt tells under `failure`.
    pub fn of(details: &Value) -> Option<Self> {
        let failure = details.get("failure")?;
        let text = |name: &str| failure.get(name)?.as_str().map(str::to_owned);
        Some(Self { code: text("code"), reason: text("reason")? })
    }
}

pub async fn record(store: &impl Store, context: &Context, delivery: Delivery, now: Micros) -> Result<Message, Error> {
    let fits = |text: &str, max: usize| (1..=max).contains(&text.len()) && !text.contains('\0');
    let message_id = ids::parse(&delivery.message_id).ok_or(Error::NotFound)?;
    if !fits(&delivery.channel, MAX_WORD) || !fits(&delivery.channel_account_id, MAX_REF) {
        return Err(invalid("channel", "or its account is empty or too long"));
    }
    if let Ended::Sent(external_id) = &delivery.ended
        && !fits(external_id, 4 * MAX_REF)
    {
        return Err(invalid("outcome", "the provider's id is empty or too long"));
    }
    store.deliver(context, &Delivery { message_id, ..delivery }, now).await
}

/// Whether the message may be handed over once more.
pub fn check_retry(message: &Message) -> Result<(), Error> {
    let status = message.status;
    match (message.direction, status) {
        (Direction::Outbound, Status::Failed | Status::Unknown) => Ok(()),
        (Direction::Outbound, _) => Err(Error::Conflict(format!(
            "the status is {}: only what failed or is unknown is sent again",
            status.as_str()
        ))),
        _ => Err(Error::Conflict("only outbound messages are sent".to_owned())),
    }
}
