//! What became of every item of a delivery. Every exit has a name, and none is forgotten between attempts.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::update::{Content, Update};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Accepted,
    Duplicate,
    Ignored,
    Rejected,
    Failed,
}

/// One item. It is finished when it has an outcome and nothing is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub at: String,
    /// The provider's id, where the item has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the next attempt has to do, and why this one did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
}

/// The items of one delivery, in the order of its updates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outcomes(pub Vec<Item>);

/// How many items came to what. What is not finished is counted nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub accepted: usize,
    pub duplicates: usize,
    pub ignored: usize,
    pub rejected: usize,
    pub failed: usize,
}

impl Outcomes {
    /// Starts an attempt: what earlier ones settled stays, and what needs no service is settled at once.
    pub fn begin(updates: &[Update], earlier: Option<Outcomes>) -> Self {
        let mut earlier: HashMap<String, Item> =
            earlier.into_iter().flat_map(|outcomes| outcomes.0).map(|item| (item.at.clone(), item)).collect();
        let mut seen = HashSet::new();
        let fresh = |update: &Update| Item::of(update, &mut seen);
        let fresh: Vec<Item> = updates.iter().map(fresh).collect();
        Self(fresh.into_iter().map(|item| earlier.remove(&item.at).unwrap_or(item)).collect())
    }

    pub fn is_finished(&self) -> bool {
        self.0.iter().all(Item::is_finished)
    }

    /// Item `index` came to `outcome`, and nothing is left to do. What an earlier attempt said of it stands.
    pub fn settle(&mut self, index: usize, outcome: Outcome, reason: Option<String>) {
        let Some(item) = self.0.get_mut(index) else { return };
        if item.outcome.is_none() {
            item.outcome = Some(outcome);
            item.reason = reason;
        }
        item.unfinished = None;
    }

    /// Item `index` came to `outcome`, but `left` is still to be done.
    pub fn note(&mut self, index: usize, outcome: Outcome, left: &str) {
        self.settle(index, outcome, None);
        self.postpone(index, left);
    }

    pub fn postpone(&mut self, index: usize, left: &str) {
        if let Some(item) = self.0.get_mut(index) {
            item.unfinished = Some(left.to_owned());
        }
    }

    /// There is no further attempt: what is not finished has failed, for the reason that the last attempt met.
    pub fn give_up(&mut self) {
        for item in self.0.iter_mut().filter(|item| !item.is_finished()) {
            item.outcome = Some(Outcome::Failed);
            item.reason = Some(item.unfinished.take().unwrap_or_else(|| "interrupted".to_owned()));
        }
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for item in self.0.iter().filter(|item| item.is_finished()) {
            match item.outcome {
                Some(Outcome::Accepted) => counts.accepted += 1,
                Some(Outcome::Duplicate) => counts.duplicates += 1,
                Some(Outcome::Ignored) => counts.ignored += 1,
                Some(Outcome::Rejected) => counts.rejected += 1,
                Some(Outcome::Failed) => counts.failed += 1,
                None => {}
            }
        }
        counts
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and names always serialise")
    }

    /// What an earlier attempt wrote; nothing where it cannot be read, for then the work is done again, which harms nobody.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

impl Item {
    /// `seen` holds what came before in the same body: the same message twice is one.
    fn of(update: &Update, seen: &mut HashSet<(String, String, String)>) -> Self {
        let (id, key) = match &update.content {
            Content::Message(message) => {
                let sender = message.contact.identities.first().map_or("", |identity| identity.value.as_str());
                (Some(message.external_id.clone()), Some(sender))
            }
            Content::Receipt(receipt) => (Some(receipt.external_message_id.clone()), Some(receipt.status.as_str())),
            Content::Ignored(_) | Content::Rejected(_) => (None, None),
        };
        let repeated = id
            .as_ref()
            .zip(key)
            .is_some_and(|(id, key)| !seen.insert((update.account.clone(), id.clone(), key.to_owned())));
        let (outcome, reason) = match &update.content {
            Content::Ignored(reason) => (Some(Outcome::Ignored), Some(reason.clone())),
            Content::Rejected(reason) => (Some(Outcome::Rejected), Some(reason.clone())),
            _ if repeated => (Some(Outcome::Duplicate), Some("twice_in_one_body".to_owned())),
            _ => (None, None),
        };
        Self { at: update.at.clone(), id, outcome, reason, unfinished: None }
    }

    pub fn is_finished(&self) -> bool {
        self.outcome.is_some() && self.unfinished.is_none()
    }
}
