//! The search: by the full-text index, or, in a store that has none, by looking through the tenant's customers.

use sdk::{
    period::Order,
    search::{self, Prefix, Words},
    sql::{self, Database, Driver, Row, SqlError, Value},
};

use super::{columns, customer};
use crate::{
    domain::{Customer, Error},
    finding::Filter,
};

/// The index, which is not there where SQLite has no FTS5.
const INDEX: &str = "customer_search";

macro_rules! search {
    ($place:literal) => {
        concat!(
            "SELECT t.number, ",
            columns!(),
            " FROM customer_search s CROSS JOIN customer_texts t ON t.number = s.rowid AND t.tenant_id = ?1 \
             CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = t.customer_id \
             WHERE s.customer_search MATCH ?2 AND (?4 IS NULL OR c.external_type = ?4) \
             AND c.created_at >= ?5 AND c.created_at < ?6 ",
            $place,
            " LIMIT ?7"
        )
    };
}

macro_rules! search_slowly {
    ($place:literal) => {
        concat!(
            "SELECT t.number, ",
            columns!(),
            " FROM customer_texts t CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = t.customer_id \
             WHERE t.tenant_id = ?1 AND (?4 IS NULL OR c.external_type = ?4) AND c.created_at >= ?5 AND c.created_at < ?6 \
             AND NOT EXISTS (SELECT 1 FROM json_each(?2) p WHERE t.words NOT LIKE p.value ESCAPE '\\') ",
            $place,
            " LIMIT ?7"
        )
    };
}

pub mod statements {
    use super::columns;

    /// In the index the youngest come first, or last, without sorting. Only the exact tenant counts: the index knows words.
    pub const SEARCH_DOWN: &str = search!("AND s.rowid < ?3 ORDER BY s.rowid DESC");
    pub const SEARCH_UP: &str = search!("AND s.rowid > ?3 ORDER BY s.rowid");
    pub const SEARCH_SLOWLY_DOWN: &str = search_slowly!("AND t.number < ?3 ORDER BY t.number DESC");
    pub const SEARCH_SLOWLY_UP: &str = search_slowly!("AND t.number > ?3 ORDER BY t.number");
}

pub(super) async fn search<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    words: &Words,
    filter: &Filter,
    from: i64,
    limit: u32,
) -> Result<Vec<(i64, Customer)>, Error> {
    let (fast, slow) = match filter.order {
        Order::NewestFirst => (statements::SEARCH_DOWN, statements::SEARCH_SLOWLY_DOWN),
        Order::OldestFirst => (statements::SEARCH_UP, statements::SEARCH_SLOWLY_UP),
    };
    let (kind, period) = (filter.external_type.as_deref(), filter.period);
    let parameters = |what: Value| {
        vec![tenant.into(), what, from.into(), kind.into(), period.from.into(), period.to.into(), limit.into()]
    };
    let what = words.fts(tenant, "words", Prefix::All).into();
    let rows = match database.execute(fast, parameters(what)).await {
        Err(error) if search::is_missing(&error, INDEX) => {
            database.execute(slow, parameters(words.like_spaced()?)).await?
        }
        found => found?,
    };
    let found = |mut row: Row| -> Result<_, SqlError> { Ok((row.take()?, customer(row)?)) };
    Ok(sql::many(rows, found)?)
}
