//! What happens to a webhook: stored first, then worked through, then finished by the tick if it was not finished at once.
//!
//! Pure Rust: what it needs from the world stands behind the traits of `services`, `delivery` and `Platform`.

pub mod attempt;
pub mod authority;
pub mod conclusions;
pub mod delivery;
pub mod directory;
pub mod files;
mod ingest;
pub mod outcome;
mod receive;
pub mod review;
pub mod sending;
pub mod services;
mod storing;
mod tick;
mod update;

use std::time::Duration;

pub use files::Carried;
pub use receive::{Answer, Incoming, Received, receive};
pub use tick::{Report, Retention, tick};
pub use update::{Contact, Content, Direction, Identity, Message, Receipt, Update};

use crate::accounts::Accounts;
use crate::attachments::Queue;
use delivery::Store;
use directory::Directory;
use files::Files;
use review::Review;
use sending::Sender;
use services::{Conversations, Customers, Messages};

/// Why a webhook was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// Nobody signed it who may speak for one of its accounts. It is not kept.
    Unsigned,
    /// A variable is missing or cannot be read; for the log.
    Deployment(String),
    /// Signed, but not JSON. It is kept, as rejected.
    Unreadable,
    /// More items than the provider ever sends. It is not kept.
    TooManyItems,
    /// Nothing was promised: the provider sends it again.
    Store(String),
}

/// The world as the domain sees it.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Platform {
    type Store: Store + Accounts + Queue + Files + Review;
    type Customers: Customers;
    type Conversations: Conversations;
    type Messages: Messages;
    type Sender: Sender;

    fn store(&self) -> &Self::Store;
    /// What this instance remembers of channel accounts.
    fn directory(&self) -> &Directory;
    fn customers(&self) -> &Self::Customers;
    fn conversations(&self) -> &Self::Conversations;
    fn messages(&self) -> &Self::Messages;
    fn sender(&self) -> &Self::Sender;
    /// Microseconds since the Unix epoch.
    fn now(&self) -> i64;
    /// A UUIDv7.
    fn new_id(&self) -> String;
    async fn sleep(&self, duration: Duration);
    /// A variable's value; `None` when it has none. The error is for the log.
    async fn variable(&self, name: &str) -> Result<Option<String>, String>;
    /// Writes this down, at once or after the answer. It protects nothing that was acknowledged: until it is written, the
    /// delivery counts as unfinished and the tick does it again, which changes nothing.
    fn conclude_later(&self, conclusion: delivery::Conclusion);
    /// Fetches the attachments that are due, behind the answer. What this does not get to, the tick does.
    fn fetch_later(&self);
}
