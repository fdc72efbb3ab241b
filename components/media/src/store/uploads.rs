//! Bytes on their way in, and out again: uploads and their chunks.

use sdk::{
    Error, Micros, ids,
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};

use crate::storage::Kind;

/// 256 KiB: few enough rows for a large file, and small enough that a dozen uploads at once stay small.
pub const CHUNK_BYTES: usize = 256 << 10;

/// When an upload was begun whose bytes are to be removed from the bucket: long ago.
pub const DOOMED: Micros = 0;

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

/// An upload that nobody ends any more.
pub struct Stale {
    pub place: Place,
    pub kind: Kind,
    pub multipart: Option<Multipart>,
}

/// An upload to the bucket that goes in parts.
pub enum Multipart {
    /// It was to begin, and what became of it nobody knows.
    Nameless,
    Named(String),
}

pub mod statements {
    pub const BEGIN: &str = "INSERT INTO uploads (tenant_id, id, started_at, storage) VALUES (?, ?, ?, ?)";
    pub const NOTE_MULTIPART: &str = "UPDATE uploads SET multipart_id = ?3 WHERE tenant_id = ?1 AND id = ?2";
    /// An upload that was swept away meanwhile gets no further chunk.
    pub const APPEND: &str = "INSERT INTO chunks (tenant_id, content_id, number, bytes) SELECT ?1, ?2, ?3, ?4 \
                              WHERE EXISTS (SELECT 1 FROM uploads WHERE tenant_id = ?1 AND id = ?2) RETURNING number";
    pub const CHUNK: &str = "SELECT bytes FROM chunks WHERE tenant_id = ? AND content_id = ? AND number = ?";
    pub const DROP_CHUNKS: &str = "DELETE FROM chunks WHERE tenant_id = ? AND content_id = ?";
    /// An upload that was swept away meanwhile is not kept.
    pub const END: &str = "DELETE FROM uploads WHERE tenant_id = ? AND id = ? AND started_at > 0 RETURNING id";
    pub const DROP_UPLOAD: &str = "DELETE FROM uploads WHERE tenant_id = ? AND id = ?";
    /// What was an upload once is one again, until its bytes are removed from the bucket.
    pub const DOOM: &str = "INSERT INTO uploads (tenant_id, id, started_at, storage) VALUES (?, ?, 0, 's3') \
                            ON CONFLICT (tenant_id, id) DO UPDATE SET started_at = 0";
    /// All tenants': the table holds what is on its way, and little else.
    pub const STALE: &str =
        "SELECT tenant_id, id, storage, multipart_id FROM uploads WHERE started_at < ? ORDER BY started_at LIMIT 100";

    pub const ALL: &[&str] = &[NOTE_MULTIPART, APPEND, CHUNK, DROP_CHUNKS, END, DROP_UPLOAD];
}

/// Nobody sees what arrives under it, until it is kept.
pub async fn begin<D: Driver>(db: &Database<D>, tenant: &str, kind: Kind, now: Micros) -> Result<Place, Error> {
    let place = Place { tenant: tenant.to_owned(), id: ids::new() };
    let parameters = vec![tenant.into(), (&place.id).into(), now.into(), kind.as_str().into()];
    db.execute(statements::BEGIN, parameters).await?;
    Ok(place)
}

pub async fn note_multipart<D: Driver>(db: &Database<D>, place: &Place, multipart: Multipart) -> Result<(), Error> {
    let mut parameters = place.parameters();
    parameters.push(match multipart {
        Multipart::Nameless => "".into(),
        Multipart::Named(id) => id.into(),
    });
    db.execute(statements::NOTE_MULTIPART, parameters).await?;
    Ok(())
}

/// The next chunk, durable when it returns.
pub async fn append<D: Driver>(db: &Database<D>, place: &Place, number: u32, bytes: Vec<u8>) -> Result<(), Error> {
    let mut parameters = place.parameters();
    parameters.extend([number.into(), bytes.into()]);
    let rows = db.execute(statements::APPEND, parameters).await?;
    if rows.is_empty() { Err(given_up()) } else { Ok(()) }
}

fn given_up() -> Error {
    Error::Internal("the upload was given up meanwhile".to_owned())
}

/// A chunk; `None` when there is none of this number.
pub async fn chunk<D: Driver>(db: &Database<D>, place: &Place, number: u64) -> Result<Option<Vec<u8>>, Error> {
    let mut parameters = place.parameters();
    parameters.push(number.into());
    let rows = db.execute(statements::CHUNK, parameters).await?;
    Ok(rows.into_iter().next().map(|mut row| row.take()).transpose()?)
}

/// Leaves nothing of an upload behind; what is in the bucket is doomed.
pub async fn give_up<D: Driver>(db: &Database<D>, place: &Place, kind: Kind) -> Result<(), Error> {
    Ok(db.transaction(async |transaction: &D::Connection| discard(transaction, place, kind).await).await?)
}

pub(super) async fn discard(transaction: &impl Execute, place: &Place, kind: Kind) -> Result<(), SqlError> {
    if kind == Kind::S3 {
        transaction.execute(statements::DOOM, place.parameters()).await?;
        return Ok(());
    }
    transaction.execute(statements::DROP_UPLOAD, place.parameters()).await?;
    transaction.execute(statements::DROP_CHUNKS, place.parameters()).await?;
    Ok(())
}

/// Its bytes are a content's from now on.
pub(super) async fn end(transaction: &impl Execute, place: &Place) -> Result<(), Error> {
    let ended = transaction.execute(statements::END, place.parameters()).await?;
    if ended.is_empty() { Err(given_up()) } else { Ok(()) }
}

/// Its bytes are removed.
pub async fn forget<D: Driver>(db: &Database<D>, place: &Place) -> Result<(), Error> {
    db.execute(statements::DROP_UPLOAD, place.parameters()).await?;
    Ok(())
}

/// What was begun before then, the oldest first.
pub async fn stale<D: Driver>(db: &Database<D>, before: Micros) -> Result<Vec<Stale>, Error> {
    let read = |mut row: Row| {
        let place = Place { tenant: row.take()?, id: row.take()? };
        let kind = row.word(Kind::parse)?;
        let id: Option<String> = row.take()?;
        let named = |id: String| if id.is_empty() { Multipart::Nameless } else { Multipart::Named(id) };
        Ok(Stale { place, kind, multipart: id.map(named) })
    };
    Ok(sql::many(db.execute(statements::STALE, vec![before.into()]).await?, read)?)
}
