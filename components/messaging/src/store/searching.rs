//! The search in SQL: by the full-text index, which first catches up with what was stored since; or, in a store that has none and as
//! long as it is far behind, by looking through the tenant's messages.

use std::collections::HashSet;

use sdk::{
    search::{self, Prefix, Words},
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};

use super::{columns, message};
use crate::{
    domain::{Error, Message},
    finding::Search,
};

/// The index, which is not there where SQLite has no FTS5.
const INDEX: &str = "message_search";
/// Some milliseconds of the database's only writer.
const BATCH: i64 = 500;
/// 10,000 messages: what a search, or a tick, adds to the index before it gives up its turn.
pub(super) const BATCHES: usize = 20;
/// Of the messages that are found, the newest so many are looked at for their conversations.
const MAX_MESSAGES: u32 = 2000;

pub mod statements {
    use super::columns;

    pub const PENDING: &str = "SELECT p.indexed_to, (SELECT coalesce(max(rowid), 0) FROM messages) \
         FROM message_search_progress p WHERE p.tenant_id = '*'";
    pub const INDEX_MORE: &str = "INSERT INTO message_search (rowid, tenant_id, body) \
         SELECT rowid, tenant_id, body FROM messages WHERE rowid > ?1 AND rowid <= ?2";
    pub const INDEXED: &str = "UPDATE message_search_progress SET indexed_to = ?1 WHERE tenant_id = '*'";
    /// In the index the newest come first without sorting. Only the exact tenant counts: the index knows words.
    pub const SEARCH: &str = "SELECT m.rowid, m.conversation_id FROM message_search s \
         CROSS JOIN messages m ON m.rowid = s.rowid AND m.tenant_id = ?1 \
         WHERE s.message_search MATCH ?2 AND s.rowid < ?3 AND (?4 IS NULL OR m.conversation_id = ?4) \
         AND (?5 IS NULL OR m.sender_customer_id = ?5) ORDER BY s.rowid DESC LIMIT ?6";
    pub const BY_ROWS: &str = concat!(
        "SELECT rowid, ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND rowid IN (SELECT value FROM json_each(?2))"
    );
    pub const SEARCH_SLOWLY: &str = concat!(
        "SELECT id, ",
        columns!(),
        " FROM messages WHERE tenant_id = ?1 AND id < ?3 AND (?4 IS NULL OR conversation_id = ?4) \
         AND (?5 IS NULL OR sender_customer_id = ?5) AND body IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM json_each(?2) p WHERE body NOT LIKE p.value ESCAPE '\\') ORDER BY id DESC LIMIT ?6"
    );
}

/// Brings the index up to date, batch by batch. False when there is none, or when more is missing than it has turns for: the next
/// one goes on.
pub(super) async fn catch_up<D: Driver>(database: &Database<D>, batches: usize) -> Result<bool, Error> {
    for _ in 0..batches {
        match pending(database.execute(statements::PENDING, Vec::new()).await) {
            Err(error) if search::is_missing(&error, INDEX) => return Ok(false),
            Err(error) => return Err(error.into()),
            Ok((indexed, newest)) if indexed >= newest => return Ok(true),
            Ok(_) => database.transaction(async |db: &D::Connection| index(db).await).await.map_err(Error::from)?,
        }
    }
    let (indexed, newest) = pending(database.execute(statements::PENDING, Vec::new()).await)?;
    Ok(indexed >= newest)
}

fn pending(rows: Result<Vec<Row>, SqlError>) -> Result<(i64, i64), SqlError> {
    let row = sql::one(rows?, |mut row| Ok((row.take()?, row.take()?)))?;
    row.ok_or_else(|| SqlError::Row("the index does not say how far it is".to_owned()))
}

/// In a transaction: another instance may have been faster.
async fn index(db: &impl Execute) -> Result<(), SqlError> {
    let (indexed, newest) = pending(db.execute(statements::PENDING, Vec::new()).await)?;
    let to = newest.min(indexed.saturating_add(BATCH));
    if to > indexed {
        db.execute(statements::INDEX_MORE, vec![indexed.into(), to.into()]).await?;
        db.execute(statements::INDEXED, vec![to.into()]).await?;
    }
    Ok(())
}

/// Each with its place: a row's number, or in a store without an index the message's id.
pub(super) async fn search<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    search: &Search,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<(String, Message)>, Error> {
    if !catch_up(database, BATCHES).await? {
        let before = before.unwrap_or("~"); // after every UUID
        if !before.starts_with('~') && sdk::ids::parse(before).is_none() {
            return Err(Error::BadCursor);
        }
        let parameters = parameters(tenant, search.words.like()?, before.into(), search, limit);
        return Ok(sql::many(database.execute(statements::SEARCH_SLOWLY, parameters).await?, placed)?);
    }
    let before: i64 = before.map_or(Ok(i64::MAX), str::parse).map_err(|_| Error::BadCursor)?;
    let what = search.words.fts(tenant, "body", Prefix::Last).into();
    let found = database.execute(statements::SEARCH, parameters(tenant, what, before.into(), search, limit)).await?;
    let rows: Vec<i64> = sql::many(found, |mut row| row.take())?;
    let rows = database.execute(statements::BY_ROWS, vec![tenant.into(), sql::list(&rows)?]).await?;
    let numbered = |mut row: Row| -> Result<(i64, Message), SqlError> { Ok((row.take()?, message(row)?)) };
    let mut found = sql::many(rows, numbered)?;
    found.sort_unstable_by_key(|(row, _)| std::cmp::Reverse(*row));
    Ok(found.into_iter().map(|(row, message)| (row.to_string(), message)).collect())
}

fn placed(mut row: Row) -> Result<(String, Message), SqlError> {
    Ok((row.take()?, message(row)?))
}

fn parameters(tenant: &str, what: Value, before: Value, search: &Search, limit: u32) -> Vec<Value> {
    let (conversation, sender) = (search.conversation_id.as_deref(), search.sender_customer_id.as_deref());
    vec![tenant.into(), what, before, conversation.into(), sender.into(), limit.into()]
}

pub(super) async fn conversations<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    words: &Words,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let anywhere = Search { words: words.clone(), conversation_id: None, sender_customer_id: None };
    let found: Vec<String> = if catch_up(database, BATCHES).await? {
        let what = words.fts(tenant, "body", Prefix::Last).into();
        let parameters = parameters(tenant, what, i64::MAX.into(), &anywhere, MAX_MESSAGES);
        let second = |mut row: Row| row.take::<i64>().and_then(|_| row.take());
        sql::many(database.execute(statements::SEARCH, parameters).await?, second)?
    } else {
        let found = search(database, tenant, &anywhere, None, MAX_MESSAGES).await?;
        found.into_iter().map(|(_, message)| message.conversation_id).collect()
    };
    let mut seen = HashSet::new();
    let latest = found.into_iter().filter(|id| seen.insert(id.clone()));
    Ok(latest.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
}
