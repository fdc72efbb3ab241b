//! The search's index: it catches up with what was stored and edited since, batch by batch, before each search and on the tick.

use sdk::{
    search::{self, UNSPACED_GLOB, spaced},
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

use crate::domain::Error;

/// The index with its progress, which are not there where SQLite has no FTS5.
const INDEX: &str = "message_search";
/// Some milliseconds of the database's only writer.
const BATCH: i64 = 500;
/// 10,000 messages: what a search, or a tick, adds to the index before it gives up its turn.
pub(in crate::store) const BATCHES: usize = 20;
/// Texts that the service reads at once: 1 MiB each at most.
const READ: i64 = 16;

pub mod statements {
    pub const PENDING: &str = "SELECT p.indexed_to, (SELECT coalesce(max(rowid), 0) FROM messages), \
         EXISTS (SELECT 1 FROM messages_to_index WHERE tenant_id > '') FROM message_search_progress p WHERE p.tenant_id = '*'";
    /// Texts that go into the index as they are.
    pub const INDEX_MORE: &str = "INSERT INTO message_words (rowid, tenant_id, body) \
         SELECT rowid, tenant_id, body FROM messages WHERE rowid > ?1 AND rowid <= ?2 AND body NOT GLOB ?3";
    /// The others.
    pub const UNSPACED: &str = "SELECT rowid, tenant_id, body FROM messages WHERE rowid > ?1 AND rowid <= ?2 AND body GLOB ?3 \
         ORDER BY rowid LIMIT ?4";
    pub const INDEX_ONE: &str = "INSERT OR REPLACE INTO message_words (rowid, tenant_id, body) VALUES (?1, ?2, ?3)";
    pub const INDEXED: &str = "UPDATE message_search_progress SET indexed_to = ?1 WHERE tenant_id = '*'";
    pub const EDITED: &str = "SELECT e.number, e.tenant_id, m.body FROM messages_to_index e \
         LEFT JOIN messages m ON m.rowid = e.number AND m.tenant_id = e.tenant_id LIMIT ?1";
    pub const EDIT_INDEXED: &str = "DELETE FROM messages_to_index WHERE tenant_id = ?1 AND number = ?2";
}

/// How far the index is.
struct Progress {
    indexed: i64,
    newest: i64,
    has_edits: bool,
}

/// Brings the index up to date. False when there is none, or when more is missing than it has turns for: the next one goes on.
pub(in crate::store) async fn catch_up<D: Driver>(database: &Database<D>, batches: usize) -> Result<bool, Error> {
    for _ in 0..batches {
        match progress(database.execute(statements::PENDING, Vec::new()).await) {
            Err(error) if search::is_missing(&error, INDEX) || search::is_missing(&error, "messages_to_index") => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
            Ok(progress) if progress.is_done() => return Ok(true),
            Ok(_) => database.transaction(async |db: &D::Connection| index(db).await).await.map_err(Error::from)?,
        }
    }
    Ok(progress(database.execute(statements::PENDING, Vec::new()).await)?.is_done())
}

impl Progress {
    fn is_done(&self) -> bool {
        self.indexed >= self.newest && !self.has_edits
    }
}

fn progress(rows: Result<Vec<Row>, SqlError>) -> Result<Progress, SqlError> {
    let read =
        |mut row: Row| Ok(Progress { indexed: row.take()?, newest: row.take()?, has_edits: row.take::<i64>()? == 1 });
    sql::one(rows?, read)?.ok_or_else(|| SqlError::Row("the index does not say how far it is".to_owned()))
}

/// In a transaction: another instance may have been faster.
async fn index(db: &impl Execute) -> Result<(), SqlError> {
    let Progress { indexed, newest, has_edits } = progress(db.execute(statements::PENDING, Vec::new()).await)?;
    if has_edits {
        index_edits(db).await?;
    }
    let to = newest.min(indexed.saturating_add(BATCH));
    if to > indexed {
        db.execute(statements::INDEX_MORE, vec![indexed.into(), to.into(), UNSPACED_GLOB.into()]).await?;
        index_unspaced(db, indexed, to).await?;
        db.execute(statements::INDEXED, vec![to.into()]).await?;
    }
    Ok(())
}

async fn index_unspaced(db: &impl Execute, mut from: i64, to: i64) -> Result<(), SqlError> {
    loop {
        let parameters = vec![from.into(), to.into(), UNSPACED_GLOB.into(), READ.into()];
        let texts = sql::many(db.execute(statements::UNSPACED, parameters).await?, text)?;
        let Some((last, ..)) = texts.last() else { return Ok(()) };
        from = *last;
        for (number, tenant, body) in &texts {
            index_one(db, *number, tenant, body.as_deref()).await?;
        }
    }
}

async fn index_edits(db: &impl Execute) -> Result<(), SqlError> {
    for (number, tenant, body) in sql::many(db.execute(statements::EDITED, vec![READ.into()]).await?, text)? {
        index_one(db, number, &tenant, body.as_deref()).await?;
        db.execute(statements::EDIT_INDEXED, vec![tenant.into(), number.into()]).await?;
    }
    Ok(())
}

async fn index_one(db: &impl Execute, number: i64, tenant: &str, body: Option<&str>) -> Result<(), SqlError> {
    let Some(body) = body else { return Ok(()) };
    let parameters = vec![number.into(), tenant.into(), spaced(body).into_owned().into()];
    db.execute(statements::INDEX_ONE, parameters).await.map(|_| ())
}

fn text(mut row: Row) -> Result<(i64, String, Option<String>), SqlError> {
    Ok((row.take()?, row.take()?, row.take()?))
}
