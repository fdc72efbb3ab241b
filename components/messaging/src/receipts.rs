//! Receipts: what providers report of messages, kept as it came, and the status that follows from all of them.

use sdk::{Context, Micros, ids, input};
use serde_json::Value;

use crate::delivery::Failure;
use crate::domain::{Error, MAX_ITEMS, MAX_REF, MAX_WORD, Status, Store, invalid};

const MAX_DETAILS_BYTES: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub channel_account_id: String,
    pub external_message_id: String,
    /// The provider's word.
    pub status: String,
    pub at: Micros,
    /// A JSON object.
    pub details: String,
}

impl Receipt {
    /// What it says about the message; `None` for words that say nothing we show.
    pub fn shown(&self) -> Option<Status> {
        status_of(&self.status)
    }

    /// Our message's id, where the provider repeats it.
    pub fn message_id(&self) -> Option<String> {
        // Most receipts have none: they are not worth a tree.
        let named = self.details.contains("\"message_id\"");
        named.then(|| ids::parse(self.details()?.get("message_id")?.as_str()?)).flatten()
    }

    pub fn failure(&self) -> Option<Failure> {
        let is_failed = self.shown() == Some(Status::Failed);
        is_failed.then(|| Failure::of(&self.details()?)).flatten()
    }

    fn details(&self) -> Option<Value> {
        serde_json::from_str(&self.details).ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    Duplicate,
    /// Stored; its message has not been seen yet.
    Waiting,
}

/// What the provider's word says.
pub fn status_of(word: &str) -> Option<Status> {
    match word {
        "sent" => Some(Status::Sent),
        "failed" => Some(Status::Failed),
        "delivered" => Some(Status::Delivered),
        "read" | "played" => Some(Status::Read),
        _ => None,
    }
}

/// The status of a message with these receipts: the greatest, whatever their order.
pub fn fold<'a>(first: Status, words: impl Iterator<Item = &'a str>) -> Status {
    words.filter_map(status_of).max().map_or(first, |status| status.max(first))
}

/// Stores each, in order; one bad receipt does not fail the others.
pub async fn record_many(
    store: &impl Store,
    context: &Context,
    receipts: Vec<Receipt>,
    now: Micros,
) -> Result<Vec<Result<Outcome, Error>>, Error> {
    if receipts.len() > MAX_ITEMS {
        return Err(invalid("receipts", format!("at most {MAX_ITEMS}")));
    }
    let checks: Vec<_> = receipts.iter().map(check).collect();
    let valid = receipts.into_iter().zip(&checks).filter(|(_, check)| check.is_ok());
    let valid: Vec<_> = valid.map(|(receipt, _)| receipt).collect();
    let outcomes = if valid.is_empty() { Vec::new() } else { store.record(context, &valid, now).await? };
    let mut outcomes = outcomes.into_iter();
    let answer =
        |check: Result<(), Error>| check.and_then(|()| outcomes.next().ok_or(Error::Internal("no answer".into())));
    Ok(checks.into_iter().map(answer).collect())
}

fn check(receipt: &Receipt) -> Result<(), Error> {
    let fits = |text: &str, max: usize| (1..=max).contains(&text.len()) && !text.contains('\0');
    if !fits(&receipt.channel_account_id, MAX_REF) || !fits(&receipt.external_message_id, 4 * MAX_REF) {
        return Err(invalid("external-message-id", "or its account is empty or too long"));
    }
    if !fits(&receipt.status, MAX_WORD) {
        return Err(invalid("status", "is empty or too long"));
    }
    if receipt.details.len() > MAX_DETAILS_BYTES || !input::is_object(&receipt.details) {
        return Err(invalid("details", "must be a JSON object of at most 64 KiB"));
    }
    Ok(())
}
