//! Finding messages: by what is said in them, by their time, by how sending them ended.

use sdk::{
    Context,
    pagination::{self, Keyset, Page, PageRequest},
    period::{Order, Period},
    search::Words,
};

use crate::domain::{Error, Message, Status, Store, invalid};

/// Conversations that one search of a caller may be about.
pub const MAX_CONVERSATIONS: u32 = 500;

/// All that is there must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub words: Option<Words>,
    pub status: Option<Status>,
    /// All but those.
    pub without: Option<Status>,
    pub conversation_id: Option<String>,
    pub sender_customer_id: Option<String>,
    /// In which they were stored.
    pub period: Period,
    pub order: Order,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            words: None,
            status: None,
            without: None,
            conversation_id: None,
            sender_customer_id: None,
            period: Period::default(),
            order: Order::NewestFirst,
        }
    }
}

impl Filter {
    /// What is not settled is little, so that a list of it is a walk along an index of its own.
    pub fn is_unsettled(status: Status) -> bool {
        matches!(status, Status::Queued | Status::Unknown | Status::Failed)
    }

    /// A person's messages alone are found along no index.
    pub fn is_narrow(&self) -> bool {
        self.words.is_some() || self.status.is_some() || self.conversation_id.is_some()
    }

    fn check(&self) -> Result<(), Error> {
        if !self.status.is_none_or(Self::is_unsettled) {
            return Err(invalid("status", "must be one of queued, unknown, failed"));
        }
        match self.sender_customer_id.is_none() || self.is_narrow() {
            true => Ok(()),
            false => Err(invalid("sender_customer_id", "goes with words, a status or a conversation")),
        }
    }

    /// So that a cursor of one search or order is refused by another.
    fn name(&self, tenant: &str) -> String {
        let part = |id: &Option<String>| id.clone().unwrap_or_default();
        let (conversation, sender) = (part(&self.conversation_id), part(&self.sender_customer_id));
        let (status, order) = (self.status.map(Status::as_str).unwrap_or_default(), self.order.as_str());
        let words = self.words.as_ref().map_or_else(|| "all".to_owned(), |words| format!("search/{}", words.text()));
        format!("messages/{tenant}/{conversation}/{sender}/{status}/{order}/{words}")
    }
}

/// In the filter's order.
pub async fn find(
    store: &impl Store,
    context: &Context,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Message>, Error> {
    filter.check()?;
    if let Some(words) = &filter.words {
        return search(store, context, filter, words, page).await;
    }
    let name = filter.name(&context.tenant);
    let from = match page.cursor.as_deref() {
        Some(cursor) => Keyset::open(&name, Some(cursor)).ok_or(Error::BadCursor)?,
        None if filter.conversation_id.is_none() => filter.order.start(&filter.period),
        None => filter.order.start(&Period::default()),
    };
    let rows = store.list_all(&context.tenant, filter, &from, page.limit + 1).await?;
    Ok(Page::cut(rows, page.limit, |last| filter.place_of(last).seal(&name)))
}

impl Filter {
    /// In a conversation its number, else its time.
    fn place_of(&self, message: &Message) -> Keyset {
        match self.conversation_id {
            Some(_) => Keyset { at: i64::try_from(message.seq).unwrap_or(i64::MAX), id: String::new() },
            None => Keyset { at: message.created_at, id: message.id.clone() },
        }
    }
}

async fn search(
    store: &impl Store,
    context: &Context,
    filter: &Filter,
    words: &Words,
    page: &PageRequest,
) -> Result<Page<Message>, Error> {
    let name = filter.name(&context.tenant);
    let from = match &page.cursor {
        Some(cursor) => Some(pagination::open(&name, cursor).ok_or(Error::BadCursor)?),
        None => None,
    };
    let found = match words.is_empty() {
        true => Vec::new(),
        false => store.search(&context.tenant, words, filter, from.as_deref(), page.limit + 1).await?,
    };
    let page = Page::cut(found, page.limit, |(position, _)| pagination::seal(&name, position));
    Ok(Page { items: page.items.into_iter().map(|(_, message)| message).collect(), next_cursor: page.next_cursor })
}

/// The conversations in which all of it was said in one message, the latest first; for who searches conversations.
pub async fn conversations(
    store: &impl Store,
    context: &Context,
    text: &str,
    limit: u32,
) -> Result<Vec<String>, Error> {
    if !(1..=MAX_CONVERSATIONS).contains(&limit) {
        return Err(invalid("limit", format!("must be 1 to {MAX_CONVERSATIONS}")));
    }
    let words = Words::parse(text).map_err(|reason| invalid("text", reason))?;
    if words.is_empty() { Ok(Vec::new()) } else { store.search_conversations(&context.tenant, &words, limit).await }
}
