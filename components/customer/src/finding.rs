//! Finding customers: the list, and the search for what people type of a name, a number or an address.

use sdk::{
    Context,
    pagination::{self, Keyset, Page, PageRequest},
    period::{Order, Period},
    search::Words,
};

use crate::{
    domain::{Customer, Error, Store, invalid},
    number,
};

/// People whose conversations are looked for at once.
pub const MAX_FOUND: u32 = 500;

/// Which customers a list has, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub external_type: Option<String>,
    pub words: Option<Words>,
    pub period: Period,
    pub order: Order,
}

impl Default for Filter {
    fn default() -> Self {
        Self { external_type: None, words: None, period: Period::default(), order: Order::NewestFirst }
    }
}

impl Filter {
    /// So that a cursor of one search or order is refused by another.
    fn name(&self, tenant: &str) -> String {
        let order = self.order.as_str();
        match &self.words {
            Some(words) => format!("customers/{tenant}/{order}/{}", words.text()),
            None => format!("customers/{tenant}/{order}"),
        }
    }
}

/// In the filter's order.
pub async fn list(
    store: &impl Store,
    context: &Context,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Customer>, Error> {
    let name = filter.name(&context.tenant);
    if let Some(words) = &filter.words {
        return search(store, context, filter, words, page).await;
    }
    let from = match page.cursor.as_deref() {
        Some(cursor) => Keyset::open(&name, Some(cursor)).ok_or(Error::BadCursor)?,
        None => filter.order.start(&filter.period),
    };
    let rows = store.list(&context.tenant, filter, &from, page.limit + 1).await?;
    let position = |last: &Customer| Keyset { at: last.created_at, id: last.id.clone() };
    Ok(Page::cut(rows, page.limit, |last| position(last).seal(&name)))
}

async fn search(
    store: &impl Store,
    context: &Context,
    filter: &Filter,
    words: &Words,
    page: &PageRequest,
) -> Result<Page<Customer>, Error> {
    let name = filter.name(&context.tenant);
    let from = match &page.cursor {
        Some(cursor) => pagination::open(&name, cursor).and_then(|n| n.parse().ok()).ok_or(Error::BadCursor)?,
        None if filter.order == Order::NewestFirst => i64::MAX,
        None => i64::MIN,
    };
    let found = match words.is_empty() {
        true => Vec::new(),
        false => store.search(&context.tenant, words, filter, from, page.limit + 1).await?,
    };
    let page = Page::cut(found, page.limit, |(number, _)| pagination::seal(&name, &number.to_string()));
    Ok(Page { items: page.items.into_iter().map(|(_, customer)| customer).collect(), next_cursor: page.next_cursor })
}

/// The ids of the newest that are found by these words; for who searches by people for something else.
pub async fn find_ids(store: &impl Store, context: &Context, text: &str, limit: u32) -> Result<Vec<String>, Error> {
    if !(1..=MAX_FOUND).contains(&limit) {
        return Err(invalid("limit", format!("must be 1 to {MAX_FOUND}")));
    }
    let words = words(text).map_err(|reason| invalid("text", reason))?;
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let found = store.search(&context.tenant, &words, &Filter::default(), i64::MAX, limit).await?;
    Ok(found.into_iter().map(|(_, customer)| customer.id).collect())
}

/// What to look for. A number, or four digits of one, is looked for without the signs and the zeros that people write it with.
pub fn words(text: &str) -> Result<Words, &'static str> {
    Words::parse(number::typed(text).as_deref().unwrap_or(text))
}
