//! Finding customers: the list, and the search for what people type of a name, a number or an address.

use sdk::{
    Context,
    pagination::{self, Page, PageRequest},
    search::Words,
};

use crate::domain::{Customer, Error, Store, invalid};

/// People whose conversations are looked for at once.
pub const MAX_FOUND: u32 = 500;

/// Which customers a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub external_type: Option<String>,
    pub words: Option<Words>,
}

impl Filter {
    /// So that a cursor of one search is refused by another.
    fn name(&self, tenant: &str) -> String {
        match &self.words {
            Some(words) => format!("customers/{tenant}/{}", words.text()),
            None => format!("customers/{tenant}"),
        }
    }
}

/// The newest first.
pub async fn list(
    store: &impl Store,
    context: &Context,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Customer>, Error> {
    let (tenant, kind) = (context.tenant.as_str(), filter.external_type.as_deref());
    let name = filter.name(tenant);
    let position = match &page.cursor {
        Some(cursor) => Some(pagination::open(&name, cursor).ok_or(Error::BadCursor)?),
        None => None,
    };
    let Some(words) = &filter.words else {
        let before = position.unwrap_or_else(|| "~".to_owned()); // after every UUID
        let rows = store.list(tenant, kind, &before, page.limit + 1).await?;
        return Ok(Page::cut(rows, page.limit, |last| pagination::seal(&name, &last.id)));
    };
    let before = position.map_or(Ok(i64::MAX), |number| number.parse()).map_err(|_| Error::BadCursor)?;
    let found = match words.is_empty() {
        true => Vec::new(),
        false => store.search(tenant, words, kind, before, page.limit + 1).await?,
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
    let found = store.search(&context.tenant, &words, None, i64::MAX, limit).await?;
    Ok(found.into_iter().map(|(_, customer)| customer.id).collect())
}

/// What to look for. A number is looked for as it is stored: without the signs and the zeros that people write it with.
pub fn words(text: &str) -> Result<Words, &'static str> {
    let is_number = text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-()./".contains(c));
    if !is_number {
        return Words::parse(text);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0');
    Words::parse(if significant.is_empty() { &digits } else { significant })
}
