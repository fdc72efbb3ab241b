//! Touches: what messages change in their conversations, gathered into runs so that the usual ones are one statement each.

use std::collections::BTreeMap;

use sdk::{Context, Micros};

use crate::domain::{Error, MAX_ITEMS, Store, invalid};

const MAX_PREVIEW: usize = 200;
/// A minute: providers' clocks are that far apart and tell whole seconds. A message that is older than the newest by more came late.
pub const LATE: Micros = 60_000_000;

/// What one message changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    pub conversation_id: String,
    pub seq: u64,
    pub preview: String,
    pub at: Micros,
    pub inbound: bool,
}

/// Touches of one conversation with sequence numbers that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub conversation_id: String,
    /// Never empty, ascending.
    pub touches: Vec<Touch>,
}

impl Run {
    pub fn first_seq(&self) -> u64 {
        self.touches.first().map_or(0, |touch| touch.seq)
    }

    pub fn last_seq(&self) -> u64 {
        self.touches.last().map_or(0, |touch| touch.seq)
    }

    /// The one whose preview is shown: the last that did not come late.
    pub fn shown(&self) -> &Touch {
        let newest = self.at();
        let in_time = self.touches.iter().rev().find(|touch| touch.at >= newest.saturating_sub(LATE));
        in_time.or(self.touches.last()).expect("a run is never empty")
    }

    pub fn at(&self) -> Micros {
        self.touches.iter().map(|touch| touch.at).max().unwrap_or(0)
    }

    pub fn inbound(&self) -> u64 {
        self.touches.iter().map(|touch| u64::from(touch.inbound)).sum()
    }

    /// One message's part of the run.
    pub fn single(touch: &Touch) -> Self {
        Self { conversation_id: touch.conversation_id.clone(), touches: vec![touch.clone()] }
    }
}

/// Records all; an unknown conversation is told at the end, when the others are done.
pub async fn touch_many(store: &impl Store, context: &Context, touches: Vec<Touch>, now: Micros) -> Result<(), Error> {
    if touches.len() > MAX_ITEMS {
        return Err(invalid("items", format!("at most {MAX_ITEMS}")));
    }
    if touches.iter().any(|touch| touch.seq == 0 || i64::try_from(touch.seq).is_err()) {
        return Err(invalid("seq", "is not a sequence number"));
    }
    let runs = runs(touches, now);
    let all_known = runs.is_empty() || store.touch(context, &runs, now).await?;
    if all_known { Ok(()) } else { Err(Error::NotFound) }
}

/// In order of sequence, each number once.
fn runs(touches: Vec<Touch>, now: Micros) -> Vec<Run> {
    let mut ordered = BTreeMap::new();
    for touch in touches {
        let key = (touch.conversation_id.clone(), touch.seq);
        ordered.entry(key).or_insert_with(|| tidy(touch, now));
    }
    let mut runs: Vec<Run> = Vec::new();
    for touch in ordered.into_values() {
        match runs.last_mut() {
            Some(run) if run.conversation_id == touch.conversation_id && run.last_seq() + 1 == touch.seq => {
                run.touches.push(touch);
            }
            _ => runs.push(Run::single(&touch)),
        }
    }
    runs
}

/// A provider's clock that is ahead must not pin its conversation to the top of the list.
fn tidy(touch: Touch, now: Micros) -> Touch {
    Touch { preview: one_line(&touch.preview), at: touch.at.min(now), ..touch }
}

fn one_line(preview: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    preview.trim().chars().take(MAX_PREVIEW).map(plain).collect()
}

/// A message whose words were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewording {
    pub conversation_id: String,
    pub seq: u64,
    pub preview: String,
    /// When, by the message's own count of changes.
    pub changed_at: Micros,
}

/// Shows the newest message in its new words. A message that is not the newest, or unknown here, is not shown at all.
pub async fn reword(store: &impl Store, context: &Context, rewording: Rewording, now: Micros) -> Result<(), Error> {
    if i64::try_from(rewording.seq).is_err() {
        return Err(invalid("seq", "is not a sequence number"));
    }
    let rewording = Rewording { preview: one_line(&rewording.preview), ..rewording };
    store.reword(&context.tenant, &rewording, now).await
}
