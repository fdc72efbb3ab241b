//! Forgetting a customer: what names the person in messages goes, and on demand what was said, batch by batch. That a message was
//! there stays, with its number.

use sdk::{Problem, event::Incoming, ids};
use serde::Deserialize;

pub const ERASED: &str = "com.kobliat.customer.erased.v1";
/// Who knows the conversations of a customer.
const BEFORE_US: &str = "conversation";

/// A customer who is forgotten, and where messages of the person are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub customer_id: String,
    pub conversations: Vec<Place>,
    /// The words, too, and not only what names the person.
    pub with_words: bool,
    /// No other event brings more.
    pub is_last: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    pub id: String,
    /// All in it was said to or by the person, unless the person is one of ours.
    pub direct: bool,
}

#[derive(Deserialize)]
struct Told {
    customer_id: String,
    service: String,
    #[serde(default)]
    messages: String,
    done: bool,
    #[serde(default)]
    conversations: Vec<Place>,
}

impl Erasure {
    /// `None` for what another service removed.
    pub fn of(event: &Incoming) -> Result<Option<Self>, Problem> {
        let told: Told = event.read()?;
        let is_ours = told.service == BEFORE_US && ids::parse(&told.customer_id).is_some();
        Ok(is_ours.then_some(Self {
            customer_id: told.customer_id,
            conversations: told.conversations,
            with_words: told.messages == "erase",
            is_last: told.done,
        }))
    }
}
