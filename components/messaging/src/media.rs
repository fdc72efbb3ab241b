//! What became of a message's media: fetched, or not to be had. `media` in the metadata says it, beside what the channel told.

use sdk::{Context, Micros, ids, merge::merged};
use serde_json::{Map, Value, json};

use crate::domain::{Error, MAX_ITEMS, MAX_REF, Message, Store, invalid};

/// As long as an explanation gets; what is beyond is cut.
const MAX_REASON_CHARS: usize = 1000;

sdk::words!(MediaStatus { Pending = "pending", Ready = "ready", Failed = "failed" });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaChange {
    pub message_id: String,
    pub media_id: String,
    pub status: MediaStatus,
    pub reason: Option<String>,
    pub mime_type: Option<String>,
    pub size: Option<u64>,
    pub filename: Option<String>,
}

/// The message as it is after the change; `None` when it says so already.
pub fn changed(before: &Message, change: &MediaChange) -> Result<Option<Message>, Error> {
    if before.media_id.as_ref().is_some_and(|known| *known != change.media_id) {
        return Err(Error::Conflict("the message has other media".to_owned()));
    }
    let cut = |text: &String| text.chars().filter(|c| *c != '\0').take(MAX_REASON_CHARS).collect::<String>();
    let told = [
        ("status", Some(json!(change.status.as_str()))),
        // Null takes the reason of an earlier attempt away.
        ("reason", Some(json!(change.reason.as_ref().map(cut)))),
        ("mime_type", change.mime_type.as_ref().map(|text| json!(cut(text)))),
        ("size", change.size.map(|size| json!(size))),
        ("filename", change.filename.as_ref().map(|text| json!(cut(text)))),
    ];
    let media: Map<String, Value> =
        told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let metadata = merged("metadata", &before.metadata, &json!({ "media": media }).to_string())?;
    if metadata == before.metadata && before.media_id.is_some() {
        return Ok(None);
    }
    Ok(Some(Message { media_id: Some(change.media_id.clone()), metadata, ..before.clone() }))
}

/// Stores each, in order; one bad change does not fail the others.
pub async fn set_many(
    store: &impl Store,
    context: &Context,
    changes: Vec<MediaChange>,
    now: Micros,
) -> Result<Vec<Result<Message, Error>>, Error> {
    if changes.len() > MAX_ITEMS {
        return Err(invalid("changes", format!("at most {MAX_ITEMS}")));
    }
    let mut answers = Vec::with_capacity(changes.len());
    for change in changes {
        let answer = match check(&change) {
            Ok(()) => store.set_media(context, &change, now).await,
            Err(error) => Err(error),
        };
        answers.push(answer);
    }
    Ok(answers)
}

fn check(change: &MediaChange) -> Result<(), Error> {
    if ids::parse(&change.message_id).as_ref() != Some(&change.message_id) {
        return Err(Error::NotFound);
    }
    if !(1..=MAX_REF).contains(&change.media_id.len()) || change.media_id.contains('\0') {
        return Err(invalid("media_id", "is empty or too long"));
    }
    Ok(())
}
