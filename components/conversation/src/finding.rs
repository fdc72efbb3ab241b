//! Lists of conversations: which, in which order, from where on.

use sdk::{
    Context, Micros,
    pagination::{Keyset, Page, PageRequest},
    search::Words,
};

use crate::domain::{Conversation, Error, Status, Store};

/// Ids that one search may bring along, of each kind.
pub const MAX_SEARCHED: usize = 500;

sdk::words!(
    /// Ties are broken by the id, in the same direction.
    Sort {
        LastMessageDown = "-last_message_at",
        LastMessageUp = "last_message_at",
        CreatedDown = "-created_at",
        CreatedUp = "created_at",
    }
);

impl Sort {
    pub fn is_down(self) -> bool {
        matches!(self, Self::LastMessageDown | Self::CreatedDown)
    }

    pub fn is_by_creation(self) -> bool {
        matches!(self, Self::CreatedDown | Self::CreatedUp)
    }

    /// Where a conversation stands in the order; without a message it is as old as itself.
    fn time(self, conversation: &Conversation) -> Micros {
        match conversation.last_message_at {
            Some(at) if !self.is_by_creation() => at,
            _ => conversation.created_at,
        }
    }

    /// Before the first.
    fn start(self) -> Keyset {
        if self.is_down() { Keyset::start() } else { Keyset { at: Micros::MIN, id: String::new() } }
    }
}

/// What is searched for: one of these must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// All of them are in the subject.
    pub words: Words,
    /// It is one of these, by what is said in it.
    pub conversation_ids: Vec<String>,
    /// One of these takes part.
    pub customer_ids: Vec<String>,
}

/// All that is there must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub status: Option<Status>,
    pub channel: Option<String>,
    pub customer_id: Option<String>,
    pub search: Option<Search>,
    pub sort: Sort,
}

impl Default for Filter {
    fn default() -> Self {
        Self { status: None, channel: None, customer_id: None, search: None, sort: Sort::LastMessageDown }
    }
}

impl Filter {
    /// So that a cursor of one order or search is refused by another.
    fn name(&self, tenant: &str) -> String {
        let searched = self.search.as_ref().map(|search| search.words.text()).unwrap_or_default();
        match (self.sort, searched.as_str()) {
            (Sort::LastMessageDown, "") => format!("conversations/{tenant}"),
            (sort, searched) => format!("conversations/{tenant}/{}/{searched}", sort.as_str()),
        }
    }
}

/// In the filter's order; without one, the most recently active first.
pub async fn list(
    store: &impl Store,
    context: &Context,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Conversation>, Error> {
    let name = filter.name(&context.tenant);
    let from = match page.cursor.as_deref() {
        Some(cursor) => Keyset::open(&name, Some(cursor)).ok_or(Error::BadCursor)?,
        None => filter.sort.start(),
    };
    let rows = store.list(&context.tenant, filter, &from, page.limit + 1).await?;
    let position = |last: &Conversation| Keyset { at: filter.sort.time(last), id: last.id.clone() };
    Ok(Page::cut(rows, page.limit, |last| position(last).seal(&name)))
}
