//! A delivery as it is kept: its attempts, written down before each call, and its end.

use std::time::Duration;

use sdk::{Context, Micros};
use serde::{Deserialize, Serialize};

use super::Order;
use super::services::{Alias, Ended};
use crate::provider::Failure;

/// How long an attempt is left alone beyond our patience with the provider: only a crash lets it lapse.
const LEASE_MARGIN: Micros = 10 * 1_000_000;

/// The longest that an attempt takes: it asks, and it sends.
pub fn lease(patience: Duration) -> Micros {
    let patience = i64::try_from(patience.as_micros()).unwrap_or(i64::MAX);
    patience.saturating_mul(2).saturating_add(LEASE_MARGIN)
}

/// Whether a time has come. One that is further ahead than any that is ever set was set by a clock that was wrong: it has come, too.
pub fn has_come(time: Micros, now: Micros, longest: Micros) -> bool {
    time <= now || time.saturating_sub(now) > longest
}

/// By which channel and account a message goes, and how that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub channel: String,
    pub account: String,
    /// Absent while it is under way.
    pub ended: Option<Ended>,
    /// Of the last attempt that is to be repeated.
    pub fault: Option<Failure>,
    /// When the first attempt began that the provider may have taken, as long as nobody knows.
    #[serde(default)]
    pub doubt_since: Option<Micros>,
    /// The recipient by the name that we wrote to and by what the provider calls it besides; none where that is all the same.
    #[serde(default)]
    pub aliases: Vec<Alias>,
}

/// How the order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// To be attempted from `due` on.
    Ready {
        attempts: u32,
        due: Micros,
        /// Of the attempt before; none of a new one.
        outcome: Option<Outcome>,
    },
    /// Attempt number `attempts` is under way, until then by somebody who lives.
    Calling {
        attempts: u32,
        until: Micros,
        outcome: Outcome,
    },
    Ended(Outcome),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub standing: Standing,
    /// The message was ordered before: somebody asks for it to be sent again.
    pub is_again: bool,
}

/// What an attempt leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Again { due: Micros },
    Ended,
}

/// An account that its provider refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    pub channel: String,
    pub channel_account_id: String,
    pub code: Option<String>,
    pub reason: String,
    #[serde(skip)]
    pub fingerprint: String,
    #[serde(serialize_with = "as_time")]
    pub stopped_at: Micros,
}

fn as_time<S: serde::Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&sdk::clock::rfc3339(*at))
}

#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Store {
    /// How the order stands; a new one is written down.
    async fn find(&self, order: &Order, now: Micros) -> Result<Known, sdk::Error>;
    /// Writes down, durably, that attempt number `attempt` begins and is left alone until then. False when it is somebody else's:
    /// the order does not stand any more as it was found, with the time `seen`.
    async fn begin(
        &self,
        order: &Order,
        attempt: u32,
        outcome: &Outcome,
        until: Micros,
        seen: Micros,
    ) -> Result<bool, sdk::Error>;
    /// Writes down how it ended, unless attempt number `attempt` is not the last any more; with `stop`, that nothing more is sent by the account, and the event that tells it.
    async fn settle(
        &self,
        order: &Order,
        attempt: u32,
        outcome: &Outcome,
        next: &Next,
        stop: Option<&Stop>,
        now: Micros,
    ) -> Result<(), sdk::Error>;
    /// The recipient's other names are the customer's now, and no longer kept here.
    async fn learned(&self, order: &Order) -> Result<(), sdk::Error>;
    async fn stopped(&self, context: &Context, channel: &str, account: &str) -> Result<Option<Stop>, sdk::Error>;
    /// It sends again.
    async fn lift(&self, context: &Context, channel: &str, account: &str) -> Result<bool, sdk::Error>;
    async fn stops(&self, context: &Context) -> Result<Vec<Stop>, sdk::Error>;
    /// Forgets some of what ended long ago. False when nothing is left to forget.
    async fn sweep(&self, now: Micros) -> Result<bool, sdk::Error>;
}
