//! Finding messages by what is said in them.

use sdk::{
    Context,
    pagination::{self, Page, PageRequest},
    search::Words,
};

use crate::domain::{Error, Message, Store, invalid};

/// Conversations that one search of a caller may be about.
pub const MAX_CONVERSATIONS: u32 = 500;

/// All that is there must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    pub words: Words,
    pub conversation_id: Option<String>,
    pub sender_customer_id: Option<String>,
}

impl Search {
    /// So that a cursor of one search is refused by another.
    fn name(&self, tenant: &str) -> String {
        let part = |id: &Option<String>| id.clone().unwrap_or_default();
        let (conversation, sender) = (part(&self.conversation_id), part(&self.sender_customer_id));
        format!("messages/{tenant}/search/{conversation}/{sender}/{}", self.words.text())
    }
}

/// The newest first.
pub async fn search(
    store: &impl Store,
    context: &Context,
    search: &Search,
    page: &PageRequest,
) -> Result<Page<Message>, Error> {
    let name = search.name(&context.tenant);
    let before = match &page.cursor {
        Some(cursor) => Some(pagination::open(&name, cursor).ok_or(Error::BadCursor)?),
        None => None,
    };
    let found = match search.words.is_empty() {
        true => Vec::new(),
        false => store.search(&context.tenant, search, before.as_deref(), page.limit + 1).await?,
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
