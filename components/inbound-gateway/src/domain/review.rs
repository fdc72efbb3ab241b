//! What operators see of deliveries, and which may be done again.

use sdk::idempotency::{Done, Once};
use sdk::{Error, Micros};

use super::outcome::{Outcome, Outcomes};

sdk::words!(
    /// How far a delivery is. `rejected`: it could not be read at all.
    Word { Pending = "pending", Done = "done", Rejected = "rejected", Failed = "failed" }
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    All,
    Of(Word),
    /// Of any state, with an item among them that was rejected.
    WithRejectedItems,
}

/// A delivery as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub channel: String,
    pub account: Option<String>,
    pub state: Word,
    pub received_at: Micros,
    pub attempts: u32,
    /// Of a pending one: when its next attempt is due, at the latest.
    pub due_at: Option<Micros>,
    pub outcome: Option<String>,
    pub size_bytes: u64,
    /// A JSON object; read with a single one only.
    pub headers: String,
    /// Its beginning; read with a single one only.
    pub body: Vec<u8>,
}

#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Review {
    /// The tenant's, newest first, those with a smaller id.
    async fn deliveries(&self, tenant: &str, filter: Filter, before: &str, limit: u32) -> Result<Vec<Kept>, Error>;
    async fn delivery(&self, tenant: &str, id: &str, body_bytes: u32) -> Result<Option<Kept>, Error>;
    /// Makes it pending again, due at once, with all its attempts; what was settled well stays so. `Conflict` says why not.
    async fn redrive(
        &self,
        tenant: &str,
        id: &str,
        now: Micros,
        once: Option<&Once<'_, ()>>,
    ) -> Result<Done<()>, Error>;
}

impl Kept {
    /// Its items, with what became of each.
    pub fn items(&self) -> Outcomes {
        self.outcome.as_deref().and_then(Outcomes::from_json).unwrap_or_default()
    }

    /// What stays settled when the delivery is done again: all but what failed or was rejected. Who signed it was decided when it came, so
    /// what it does not speak for is rejected again.
    pub fn reopened(&self) -> Result<Outcomes, Error> {
        let conflict = |why: &str| Err(Error::Conflict(why.to_owned()));
        match self.state {
            Word::Pending => return conflict("the delivery is pending: it is tried again without this"),
            // Nobody knows which accounts it concerns: nothing may be done in its name.
            Word::Rejected => return conflict("the delivery could not be read: have the provider send it again"),
            Word::Done | Word::Failed => {}
        }
        let (bad, good): (Vec<_>, Vec<_>) = self
            .items()
            .0
            .into_iter()
            .partition(|item| matches!(item.outcome, Some(Outcome::Rejected | Outcome::Failed) | None));
        match bad.is_empty() {
            true => conflict("nothing is to be done: no item failed or was rejected"),
            false => Ok(Outcomes(good)),
        }
    }
}
