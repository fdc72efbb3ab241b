//! A delivery as it is kept: its attempts, written down before each call, and its end.

use sdk::{Context, Micros};
use serde::{Deserialize, Serialize};

use super::Order;
use super::services::Ended;
use crate::provider::Failure;

/// How long an attempt is left alone beyond our patience with the provider: only a crash lets it lapse.
pub const LEASE_MARGIN: Micros = 10 * 1_000_000;

/// By which channel and account a message goes, and how that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub channel: String,
    pub account: String,
    /// Absent while it is under way.
    pub ended: Option<Ended>,
    /// Of the last attempt that is to be repeated.
    pub fault: Option<Failure>,
}

/// How the order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// To be attempted from `due` on.
    Ready {
        attempts: u32,
        due: Micros,
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
    /// Writes down, durably, that attempt number `attempt` begins. False when it is somebody else's.
    async fn begin(
        &self,
        order: &Order,
        attempt: u32,
        outcome: &Outcome,
        until: Micros,
        now: Micros,
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
    async fn stopped(&self, context: &Context, channel: &str, account: &str) -> Result<Option<Stop>, sdk::Error>;
    /// It sends again.
    async fn lift(&self, context: &Context, channel: &str, account: &str) -> Result<bool, sdk::Error>;
    async fn stops(&self, context: &Context) -> Result<Vec<Stop>, sdk::Error>;
}
