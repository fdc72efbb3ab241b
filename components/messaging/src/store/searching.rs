//! The search in SQL: by the full-text index, which first catches up with what was stored since; or, in a store that has none and as
//! long as it is far behind, by looking through the tenant's messages.

use std::collections::HashSet;

use sdk::{
    period::Order,
    search::{Prefix, Words},
    sql::{self, Database, Driver, Row, SqlError, Value},
};

use super::{
    columns,
    indexing::{BATCHES, catch_up},
    message,
};
use crate::{
    domain::{Error, Message, Status},
    finding::Filter,
};

/// Of the messages that are found, the newest so many are looked at for their conversations.
const MAX_MESSAGES: u32 = 2000;

macro_rules! search {
    ($place:literal) => {
        concat!(
            "SELECT m.rowid, m.conversation_id FROM message_words s \
             CROSS JOIN messages m ON m.rowid = s.rowid AND m.tenant_id = ?1 \
             WHERE s.message_words MATCH ?2 AND (?4 IS NULL OR m.conversation_id = ?4) \
             AND (?5 IS NULL OR m.sender_customer_id = ?5) AND (?6 IS NULL OR m.status = ?6) \
             AND (?7 IS NULL OR m.status <> ?7) AND m.created_at >= ?8 AND m.created_at < ?9 ",
            $place,
            " LIMIT ?10"
        )
    };
}

macro_rules! search_slowly {
    ($place:literal) => {
        concat!(
            "SELECT id, ",
            columns!(),
            " FROM messages WHERE tenant_id = ?1 AND (?4 IS NULL OR conversation_id = ?4) \
             AND (?5 IS NULL OR sender_customer_id = ?5) AND (?6 IS NULL OR status = ?6) AND (?7 IS NULL OR status <> ?7) \
             AND created_at >= ?8 AND created_at < ?9 AND body IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM json_each(?2) p WHERE body NOT LIKE p.value ESCAPE '\\') ",
            $place,
            " LIMIT ?10"
        )
    };
}

pub mod statements {
    use super::columns;

    /// In the index the newest come first, or last, without sorting. Only the exact tenant counts: the index knows words.
    pub const SEARCH_DOWN: &str = search!("AND s.rowid < ?3 ORDER BY s.rowid DESC");
    pub const SEARCH_UP: &str = search!("AND s.rowid > ?3 ORDER BY s.rowid");
    pub const BY_ROWS: &str = concat!(
        "SELECT rowid, ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND rowid IN (SELECT value FROM json_each(?2))"
    );
    pub const SEARCH_SLOWLY_DOWN: &str = search_slowly!("AND id < ?3 ORDER BY id DESC");
    pub const SEARCH_SLOWLY_UP: &str = search_slowly!("AND id > ?3 ORDER BY id");
}

/// Each with its place: a row's number, or in a store without an index the message's id.
pub(super) async fn search<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    words: &Words,
    filter: &Filter,
    from: Option<&str>,
    limit: u32,
) -> Result<Vec<(String, Message)>, Error> {
    let is_down = filter.order == Order::NewestFirst;
    if !catch_up(database, BATCHES).await? {
        return search_slowly(database, tenant, words, filter, from, limit).await;
    }
    let start = if is_down { i64::MAX } else { i64::MIN };
    let from: i64 = from.map_or(Ok(start), str::parse).map_err(|_| Error::BadCursor)?;
    let statement = if is_down { statements::SEARCH_DOWN } else { statements::SEARCH_UP };
    let what = words.fts(tenant, "body", Prefix::Last).into();
    let found = database.execute(statement, parameters(tenant, what, from.into(), filter, limit)).await?;
    let rows: Vec<i64> = sql::many(found, |mut row| row.take())?;
    let found = database.execute(statements::BY_ROWS, vec![tenant.into(), sql::list(&rows)?]).await?;
    let numbered = |mut row: Row| -> Result<(i64, Message), SqlError> { Ok((row.take()?, message(row)?)) };
    let mut found = sql::many(found, numbered)?;
    found.sort_by_key(|(row, _)| rows.iter().position(|one| one == row));
    Ok(found.into_iter().map(|(row, message)| (row.to_string(), message)).collect())
}

async fn search_slowly<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    words: &Words,
    filter: &Filter,
    from: Option<&str>,
    limit: u32,
) -> Result<Vec<(String, Message)>, Error> {
    let is_down = filter.order == Order::NewestFirst;
    let start = if is_down { "~" } else { "" }; // after, or before, every UUID
    if from.is_some_and(|from| sdk::ids::parse(from).is_none()) {
        return Err(Error::BadCursor);
    }
    let statement = if is_down { statements::SEARCH_SLOWLY_DOWN } else { statements::SEARCH_SLOWLY_UP };
    let parameters = parameters(tenant, words.like()?, from.unwrap_or(start).into(), filter, limit);
    Ok(sql::many(database.execute(statement, parameters).await?, placed)?)
}

fn placed(mut row: Row) -> Result<(String, Message), SqlError> {
    Ok((row.take()?, message(row)?))
}

fn parameters(tenant: &str, what: Value, from: Value, filter: &Filter, limit: u32) -> Vec<Value> {
    vec![
        tenant.into(),
        what,
        from,
        filter.conversation_id.as_deref().into(),
        filter.sender_customer_id.as_deref().into(),
        filter.status.map(Status::as_str).into(),
        filter.without.map(Status::as_str).into(),
        filter.period.from.into(),
        filter.period.to.into(),
        limit.into(),
    ]
}

pub(super) async fn conversations<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    words: &Words,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let anywhere = Filter::default();
    let found: Vec<String> = if catch_up(database, BATCHES).await? {
        let what = words.fts(tenant, "body", Prefix::Last).into();
        let parameters = parameters(tenant, what, i64::MAX.into(), &anywhere, MAX_MESSAGES);
        let second = |mut row: Row| row.take::<i64>().and_then(|_| row.take());
        sql::many(database.execute(statements::SEARCH_DOWN, parameters).await?, second)?
    } else {
        let found = search_slowly(database, tenant, words, &anywhere, None, MAX_MESSAGES).await?;
        found.into_iter().map(|(_, message)| message.conversation_id).collect()
    };
    let mut seen = HashSet::new();
    let latest = found.into_iter().filter(|id| seen.insert(id.clone()));
    Ok(latest.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
}
