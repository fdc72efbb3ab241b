//! Where a message stands in its conversation: what marking it as read needs to know.

use sdk::{Context, ids};

use crate::domain::{Error, Store};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub conversation_id: String,
    pub seq: u64,
    /// How many messages up to it, itself included, came from outside. It never changes: numbers are given in order, and no
    /// message is deleted.
    pub inbound: u64,
}

pub async fn place_of(store: &impl Store, context: &Context, message_id: &str) -> Result<Place, Error> {
    let id = ids::parse(message_id).ok_or(Error::NotFound)?;
    store.place_of(&context.tenant, &id).await?.ok_or(Error::NotFound)
}
