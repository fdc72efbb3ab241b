//! What the broker needs of whatever keeps the events: a trait, so that one machine's engine and a cluster's are the same to
//! it. `tests/it/conformance` says the rest of the contract.
//!
//! An event is stored once and waits in every subscription that wants it. There it is in exactly one state: waiting,
//! delivered (gone), or dead. Within a subscription, events of one partition leave in the order of their publication, and
//! the first of them holds back the rest until it is settled.

use crate::event::{Event, Micros};
use futures::future::BoxFuture;

/// The longest that a delivery may be put off: a consumer's `Retry-After` may ask for more, but not get it.
pub const LONGEST_RETRY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// An engine's answer, some time later.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// Keeps the events. Everything it answers `Ok` to is durable.
///
/// Claims live as long as the engine is open: when it is opened again, what was claimed waits, at once.
pub trait Engine: Send + Sync + 'static {
    /// Makes these subscriptions known. Others, of earlier runs, keep what waits for them.
    fn declare(&self, subscriptions: Vec<String>) -> Reply<'_, ()>;

    /// Stores all of the batch or nothing, in its order. What is known by `(source, id)` already is passed over.
    fn publish(&self, now: Micros, batch: Vec<Publication>) -> Reply<'_, Published>;

    /// Gives out deliveries that are due, at most one per partition at a time, longest due first.
    fn claim<'a>(&'a self, subscription: &'a str, now: Micros, room: Room) -> Reply<'a, Claimed>;

    /// Ends claims. On an error all of them stay claimed, and the same may be settled again.
    fn settle<'a>(&'a self, subscription: &'a str, now: Micros, settled: Vec<Settled>) -> Reply<'a, ()>;

    /// One row per subscription that was ever declared and is declared now or has something left.
    fn counts(&self) -> Reply<'_, Vec<Count>>;

    /// How many deliveries wait, all subscriptions together: cheap, for every publication asks.
    fn backlog(&self) -> u64;

    /// Dead letters, the newest first, those before `query.before` only.
    fn dead_letters(&self, query: DeadLetterQuery) -> Reply<'_, Vec<DeadLetter>>;

    fn dead_letter(&self, id: String) -> Reply<'_, Option<DeadLetter>>;

    /// Makes dead letters wait again, with all their attempts, in their old place in their partition. Answers how many.
    fn redrive(&self, now: Micros, which: Selection) -> Reply<'_, u64>;

    /// Gives dead letters up. Answers how many.
    fn discard(&self, which: Selection) -> Reply<'_, u64>;

    /// Forgets `(source, id)`s that were published before this. Answers how many.
    fn forget(&self, before: Micros) -> Reply<'_, u64>;

    /// Gives up what nobody came for: dead letters that died before `before`, the oldest dead letters beyond `most`, and what
    /// waits for a subscription that is not declared and is older than the ids that are remembered.
    fn expire(&self, before: Micros, most: u64) -> Reply<'_, Expired>;

    /// When the oldest event that waits was published, of each subscription that has one.
    fn oldest(&self) -> Reply<'_, Vec<(String, Micros)>>;

    fn close(&self) -> BoxFuture<'_, ()>;
}

#[derive(Clone, Debug)]
pub struct Publication {
    pub event: Event,
    /// Whom it is for; nobody is fine.
    pub subscriptions: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub stored: usize,
    /// Positions in the batch of events that were stored before, by their source and id.
    pub known: Vec<usize>,
}

/// How much a claim may bring.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub deliveries: usize,
    /// Of the events' contents; one delivery is brought however large it is.
    pub bytes: usize,
}

#[derive(Debug, Default)]
pub struct Claimed {
    pub deliveries: Vec<Delivery>,
    /// More is due than there was room for.
    pub more: bool,
    /// When the next falls due, where something waits for that.
    pub next_due: Option<Micros>,
}

/// One try to hand an event to a subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub receipt: Receipt,
    /// Failed attempts so far.
    pub attempts: u32,
    pub event: Event,
}

/// Names a claim to the engine that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    pub partition: i64,
    pub position: i64,
}

#[derive(Clone, Debug)]
pub struct Settled {
    pub receipt: Receipt,
    pub outcome: Outcome,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Done,
    /// Costs an attempt; the partition waits until then.
    Retry {
        at: Micros,
        failure: Failure,
    },
    /// Costs an attempt; `announcement` is published in the same step.
    Dead {
        id: String,
        failure: Failure,
        announcement: Option<Box<Publication>>,
    },
    /// As if it had never been claimed.
    Released,
}

/// Why a delivery failed, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What the subscriber answered, if it did.
    pub status: Option<u16>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub subscription: String,
    pub waiting: u64,
    pub dead: u64,
}

/// What was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub dead_letters: u64,
    /// Deliveries to components that do not subscribe any more.
    pub orphans: u64,
}

#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// UUIDv7: sorts by time.
    pub id: String,
    pub subscription: String,
    pub attempts: u32,
    pub failure: Failure,
    pub died_at: Micros,
    pub event: Event,
}

#[derive(Clone, Debug, Default)]
pub struct DeadLetterQuery {
    pub tenant: Option<String>,
    pub subscription: Option<String>,
    /// The last id of the page before.
    pub before: Option<String>,
    pub limit: usize,
}

#[derive(Clone, Debug)]
pub enum Selection {
    One(String),
    /// All of a subscription.
    Subscription(String),
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing was stored; there will be room when somebody makes some.
    #[error("the disk of the events is full")]
    Full,
    /// Nothing was stored; the same may work soon.
    #[error("the events' store is busy: {0}")]
    Busy(String),
    #[error("the events' store failed: {0}")]
    Failed(String),
}
