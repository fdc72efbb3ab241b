//! What a message was before, and what its provider reported of it: the two lists of its past.

use sdk::{
    Context, Micros,
    pagination::{self, Keyset, Page, PageRequest},
};

use crate::domain::{self, Error, Status, Store};

/// What a message was before a change by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 1, 2, 3, … in each message.
    pub number: u64,
    pub body: Option<String>,
    pub status: Status,
    /// Who changed it.
    pub principal: String,
    pub changed_at: Micros,
}

/// What a provider reported of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The provider's word.
    pub status: String,
    pub at: Micros,
    pub external_message_id: String,
    /// A JSON object.
    pub details: String,
    pub received_at: Micros,
}

impl Reported {
    fn position(&self) -> Keyset {
        Keyset { at: self.at, id: format!("{}/{}", self.status, self.external_message_id) }
    }
}

/// The latest change first; an unknown message has no list.
pub async fn versions(
    store: &impl Store,
    context: &Context,
    message_id: &str,
    page: &PageRequest,
) -> Result<Page<Version>, Error> {
    let name = format!("history/{}/{message_id}", context.tenant);
    let before = match &page.cursor {
        Some(cursor) => pagination::open(&name, cursor).and_then(|n| n.parse().ok()).ok_or(Error::BadCursor)?,
        None => u64::MAX,
    };
    domain::get(store, context, message_id).await?;
    let rows = store.versions(&context.tenant, message_id, before, page.limit + 1).await?;
    Ok(Page::cut(rows, page.limit, |last| pagination::seal(&name, &last.number.to_string())))
}

/// The latest first. A provider has few words for a message, so all are read and one page of them is told.
pub async fn receipts(
    store: &impl Store,
    context: &Context,
    message_id: &str,
    page: &PageRequest,
) -> Result<Page<Reported>, Error> {
    let name = format!("receipts/{}/{message_id}", context.tenant);
    let from = Keyset::open(&name, page.cursor.as_deref()).ok_or(Error::BadCursor)?;
    let message = domain::get(store, context, message_id).await?;
    let mut rows = store.reported(&context.tenant, &message).await?;
    let place = |one: &Reported| {
        let Keyset { at, id } = one.position();
        (at, id)
    };
    rows.sort_unstable_by_key(|one| std::cmp::Reverse(place(one)));
    if page.cursor.is_some() {
        let from = (from.at, from.id);
        rows.retain(|one| place(one) < from);
    }
    Ok(Page::cut(rows, page.limit, |last| last.position().seal(&name)))
}
