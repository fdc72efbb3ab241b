//! The search: by the full-text index, or, in a store that has none, by looking through the tenant's customers.

use sdk::{
    search::{self, Prefix, Words},
    sql::{self, Database, Driver, Row, SqlError, Value},
};

use super::{columns, customer};
use crate::domain::{Customer, Error};

/// The index, which is not there where SQLite has no FTS5.
const INDEX: &str = "customer_search";

pub mod statements {
    use super::columns;

    /// In the index the youngest come first without sorting. Only the exact tenant counts: the index knows words.
    pub const SEARCH: &str = concat!(
        "SELECT t.number, ",
        columns!(),
        " FROM customer_search s CROSS JOIN customer_texts t ON t.number = s.rowid AND t.tenant_id = ?1 \
         CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = t.customer_id \
         WHERE s.customer_search MATCH ?2 AND s.rowid < ?3 AND (?4 IS NULL OR c.external_type = ?4) \
         ORDER BY s.rowid DESC LIMIT ?5"
    );
    pub const SEARCH_SLOWLY: &str = concat!(
        "SELECT t.number, ",
        columns!(),
        " FROM customer_texts t CROSS JOIN customers c ON c.tenant_id = ?1 AND c.id = t.customer_id \
         WHERE t.tenant_id = ?1 AND t.number < ?3 AND (?4 IS NULL OR c.external_type = ?4) \
         AND NOT EXISTS (SELECT 1 FROM json_each(?2) p WHERE t.words NOT LIKE p.value ESCAPE '\\') \
         ORDER BY t.number DESC LIMIT ?5"
    );
}

pub(super) async fn search<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    words: &Words,
    kind: Option<&str>,
    before: i64,
    limit: u32,
) -> Result<Vec<(i64, Customer)>, Error> {
    let parameters = |what: Value| vec![tenant.into(), what, before.into(), kind.into(), limit.into()];
    let what = words.fts(tenant, "words", Prefix::All).into();
    let rows = match database.execute(statements::SEARCH, parameters(what)).await {
        Err(error) if search::is_missing(&error, INDEX) => {
            database.execute(statements::SEARCH_SLOWLY, parameters(words.like()?)).await?
        }
        found => found?,
    };
    let found = |mut row: Row| -> Result<_, SqlError> { Ok((row.take()?, customer(row)?)) };
    Ok(sql::many(rows, found)?)
}
