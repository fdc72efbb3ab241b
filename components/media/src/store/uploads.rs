//! Bytes on their way in, and out again: uploads and their chunks.

use sdk::{
    Error, Micros, ids,
    sql::{Database, Driver, Execute, SqlError, Value},
};

/// 256 KiB: few enough rows for a large file, and small enough that a dozen uploads at once stay small.
pub const CHUNK_BYTES: usize = 256 << 10;

/// Whose bytes: a tenant's, under the id of the upload that brings or brought them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub tenant: String,
    pub id: String,
}

impl Place {
    pub(super) fn parameters(&self) -> Vec<Value> {
        vec![(&self.tenant).into(), (&self.id).into()]
    }
}

pub mod statements {
    pub const BEGIN: &str = "INSERT INTO uploads (tenant_id, id, started_at) VALUES (?, ?, ?)";
    /// An upload that was swept away meanwhile gets no further chunk.
    pub const APPEND: &str = "INSERT INTO chunks (tenant_id, content_id, number, bytes) SELECT ?1, ?2, ?3, ?4 \
                              WHERE EXISTS (SELECT 1 FROM uploads WHERE tenant_id = ?1 AND id = ?2) RETURNING number";
    pub const CHUNK: &str = "SELECT bytes FROM chunks WHERE tenant_id = ? AND content_id = ? AND number = ?";
    pub const DROP_CHUNKS: &str = "DELETE FROM chunks WHERE tenant_id = ? AND content_id = ?";
    pub const DROP_UPLOAD: &str = "DELETE FROM uploads WHERE tenant_id = ? AND id = ?";
    /// All tenants': the table holds what is on its way, and little else.
    pub const STALE: &str = "SELECT tenant_id, id FROM uploads WHERE started_at < ? LIMIT 100";

    pub const ALL: &[&str] = &[APPEND, CHUNK, DROP_CHUNKS, DROP_UPLOAD];
}

/// Nobody sees what arrives under it, until it is kept.
pub async fn begin<D: Driver>(db: &Database<D>, tenant: &str, now: Micros) -> Result<Place, Error> {
    let place = Place { tenant: tenant.to_owned(), id: ids::new() };
    let parameters = vec![tenant.into(), (&place.id).into(), now.into()];
    db.execute(statements::BEGIN, parameters).await?;
    Ok(place)
}

/// The next chunk, durable when it returns.
pub async fn append<D: Driver>(db: &Database<D>, place: &Place, number: u32, bytes: Vec<u8>) -> Result<(), Error> {
    let mut parameters = place.parameters();
    parameters.extend([number.into(), bytes.into()]);
    let rows = db.execute(statements::APPEND, parameters).await?;
    if rows.is_empty() { Err(Error::Internal("the upload was given up meanwhile".to_owned())) } else { Ok(()) }
}

/// A chunk; `None` when there is none of this number.
pub async fn chunk<D: Driver>(db: &Database<D>, place: &Place, number: u64) -> Result<Option<Vec<u8>>, Error> {
    let mut parameters = place.parameters();
    parameters.push(number.into());
    let rows = db.execute(statements::CHUNK, parameters).await?;
    Ok(rows.into_iter().next().map(|mut row| row.take()).transpose()?)
}

/// Leaves nothing of an upload behind.
pub async fn give_up<D: Driver>(db: &Database<D>, place: &Place) -> Result<(), Error> {
    Ok(db.transaction(async |transaction: &D::Connection| discard(transaction, place).await).await?)
}

pub(super) async fn discard(transaction: &impl Execute, place: &Place) -> Result<(), SqlError> {
    transaction.execute(statements::DROP_UPLOAD, place.parameters()).await?;
    transaction.execute(statements::DROP_CHUNKS, place.parameters()).await?;
    Ok(())
}

/// Gives up what was begun before then: whoever sent it is long gone. Answers how many.
pub async fn sweep<D: Driver>(db: &Database<D>, before: Micros) -> Result<usize, Error> {
    let rows = db.execute(statements::STALE, vec![before.into()]).await?;
    let mut swept = 0;
    for mut row in rows {
        let place = Place { tenant: row.take()?, id: row.take()? };
        give_up(db, &place).await?;
        swept += 1;
    }
    Ok(swept)
}
