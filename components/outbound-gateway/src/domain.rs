//! What happens to an order to send: known or new, attempted once at a time, ended for good.
//!
//! Pure Rust: what it needs from the world stands behind the traits of `services`, `delivery` and `Platform`.

mod addressee;
mod attachment;
mod calling;
pub mod deliver;
pub mod delivery;
pub mod schedule;
pub mod services;
mod settling;
mod target;

use std::time::Duration;

use sdk::{Context, Micros};

pub use deliver::{Done, Later, deliver};

use crate::provider::Answer;
use delivery::Store;
use services::Services;

/// An event that orders a message to be sent.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose message it is, and for the calls that it takes.
    pub context: Context,
    pub event_id: String,
    pub message_id: String,
}

/// Why a provider gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing reached it.
    NotSent(String),
    /// Something may have.
    Lost(String),
}

/// The world as the domain sees it.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Platform {
    type Store: Store;
    type Services: Services;

    fn store(&self) -> &Self::Store;
    fn services(&self) -> &Self::Services;
    fn now(&self) -> Micros;
    async fn sleep(&self, duration: Duration);
    /// A variable's value; `None` when it has none. The error is for the log.
    async fn variable(&self, name: &str) -> Result<Option<String>, String>;
    /// One request to a provider, whole, and its answer.
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Answer, Broken>;
}
