//! Lists of conversations: which, in which order, from where on.

use sdk::{
    Context, Micros,
    pagination::{Keyset, Page, PageRequest},
    period::{Order, Period},
    search::Words,
};

use crate::domain::{Conversation, Error, Status, Store, invalid};

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
    fn start(self, period: &Period) -> Keyset {
        match self {
            Self::LastMessageDown => Keyset::start(),
            Self::LastMessageUp => Keyset { at: Micros::MIN, id: String::new() },
            Self::CreatedDown => Order::NewestFirst.start(period),
            Self::CreatedUp => Order::OldestFirst.start(period),
        }
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
    /// Only those with unread messages, or only those without.
    pub unread: Option<bool>,
    /// In which they were opened.
    pub period: Period,
    pub sort: Sort,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            status: None,
            channel: None,
            customer_id: None,
            search: None,
            unread: None,
            period: Period::default(),
            sort: Sort::LastMessageDown,
        }
    }
}

impl Filter {
    /// In the order of the last message, a period of creation could begin anywhere: only a list that is little is looked through.
    fn check(&self) -> Result<(), Error> {
        let is_little = self.customer_id.is_some() || self.search.is_some();
        match self.period.is_all() || self.sort.is_by_creation() || is_little {
            true => Ok(()),
            false => Err(invalid("sort", "must be -created_at or created_at with created_after or created_before")),
        }
    }

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
    filter.check()?;
    let name = filter.name(&context.tenant);
    let from = match page.cursor.as_deref() {
        Some(cursor) => Keyset::open(&name, Some(cursor)).ok_or(Error::BadCursor)?,
        None => filter.sort.start(&filter.period),
    };
    let rows = store.list(&context.tenant, filter, &from, page.limit + 1).await?;
    let position = |last: &Conversation| Keyset { at: filter.sort.time(last), id: last.id.clone() };
    Ok(Page::cut(rows, page.limit, |last| position(last).seal(&name)))
}
