//! Changes by hand: status, subject and metadata; and how far a conversation is read.

use sdk::{Context, Micros, etag, merge::merged};

use crate::domain::{Conversation, Error, Status, Store, invalid};

/// What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub status: Option<Status>,
    /// `Some(None)` takes the subject away.
    pub subject: Option<Option<String>>,
    /// A JSON object that is merged into the old one.
    pub metadata: Option<String>,
    /// The version that is to be changed.
    pub version: Option<Micros>,
}

/// The conversation as it is after the changes; `None` when they change nothing.
pub fn changed(before: &Conversation, changes: &Changes, now: Micros) -> Result<Option<Conversation>, Error> {
    etag::check(changes.version, before.updated_at)?;
    let status = changes.status.unwrap_or(before.status);
    let subject = changes.subject.clone().unwrap_or_else(|| before.subject.clone());
    let metadata = match &changes.metadata {
        Some(patch) => merged("metadata", &before.metadata, patch)?,
        None => before.metadata.clone(),
    };
    if (status, &subject, &metadata) == (before.status, &before.subject, &before.metadata) {
        return Ok(None);
    }
    let updated_at = etag::next(before.updated_at, now);
    Ok(Some(Conversation { status, subject, metadata, updated_at, ..before.clone() }))
}

/// A conversation is read up to a message. What of it came from outside is counted where messages are kept; it never changes,
/// because messages are numbered in order and never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub conversation_id: String,
    /// The message's number.
    pub seq: u64,
    /// How many messages up to it came from outside.
    pub inbound: u64,
}

pub async fn mark_read(
    store: &impl Store,
    context: &Context,
    reading: &Reading,
    now: Micros,
) -> Result<Conversation, Error> {
    if reading.seq == 0 || i64::try_from(reading.seq).is_err() {
        return Err(invalid("seq", "is not a sequence number"));
    }
    if reading.inbound > reading.seq {
        return Err(invalid("inbound", "is more than there are messages"));
    }
    store.mark_read(context, reading, now).await
}
