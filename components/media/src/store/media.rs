//! Attachments, and the contents that they share.

mod keeping;

use sdk::{
    Error, Micros, etag, ids,
    sql::{self, Database, Driver, Execute, Row, SqlError, Value},
};

pub use keeping::{Target, keep};

use super::uploads::{self, Place};
use crate::{
    domain::{Content, Expected, Media, Status},
    storage::Kind,
};

macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT m.id, m.status, m.failure, m.conversation_id, m.owner_service, m.filename, m.created_at, m.updated_at, \
             c.id, c.sha256, c.size, c.mime_type, c.width, c.height, c.storage, \
             (SELECT json_group_array(json_object('name', v.name, 'mime_type', v.mime_type, 'width', v.width, 'height', v.height, \
             'size', coalesce(v.size, length(v.bytes)))) FROM variants v WHERE v.tenant_id = m.tenant_id AND v.content_id = c.id) \
             FROM media m LEFT JOIN contents c ON c.tenant_id = m.tenant_id AND c.id = m.content_id ",
            $($rest),+
        )
    };
}

pub mod statements {
    pub const BY_ID: &str = select!("WHERE m.tenant_id = ? AND m.id = ?");
    pub const BY_IDS: &str = select!("WHERE m.tenant_id = ? AND m.id IN (SELECT value FROM json_each(?))");
    pub const BY_REFERENCE: &str = select!("WHERE m.tenant_id = ? AND m.reference = ?");
    pub const VARIANT: &str = "SELECT bytes FROM variants WHERE tenant_id = ? AND content_id = ? AND name = ?";
    pub const CONTENT_BY_HASH: &str = "SELECT id FROM contents WHERE tenant_id = ? AND sha256 = ?";
    pub const USE: &str = "UPDATE contents SET uses = uses + 1 WHERE tenant_id = ? AND id = ?";
    pub const UNUSE: &str = "UPDATE contents SET uses = uses - 1 WHERE tenant_id = ? AND id = ? RETURNING uses";
    pub const DROP_CONTENT: &str = "DELETE FROM contents WHERE tenant_id = ? AND id = ? RETURNING storage";
    pub const DROP_VARIANTS: &str = "DELETE FROM variants WHERE tenant_id = ? AND content_id = ?";
    pub const DROP_MEDIA: &str = "DELETE FROM media WHERE tenant_id = ? AND id = ? RETURNING content_id";
    pub const SOME: &str = "SELECT id FROM media WHERE tenant_id = ? ORDER BY id LIMIT 100";
    pub const OF_CONVERSATION: &str =
        "SELECT id FROM media WHERE tenant_id = ? AND conversation_id = ? ORDER BY id LIMIT 100";
    pub const FAIL: &str = "UPDATE media SET status = 'failed', failure = ?3, updated_at = ?4 \
                            WHERE tenant_id = ?1 AND id = ?2 AND status = 'pending'";
    pub const EXPECT: &str = "INSERT INTO media (tenant_id, id, status, conversation_id, reference, filename, created_at, updated_at) \
                              VALUES (?1, ?2, 'pending', ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING";

    pub const ALL: &[&str] = &[
        BY_ID,
        BY_IDS,
        BY_REFERENCE,
        VARIANT,
        CONTENT_BY_HASH,
        USE,
        UNUSE,
        DROP_CONTENT,
        DROP_VARIANTS,
        DROP_MEDIA,
        SOME,
        OF_CONVERSATION,
        FAIL,
    ];
}

pub async fn get<D: Driver>(db: &Database<D>, tenant: &str, id: &str) -> Result<Option<Media>, Error> {
    Ok(sql::one(db.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?, media)?)
}

pub async fn get_many<D: Driver>(db: &Database<D>, tenant: &str, ids: &[String]) -> Result<Vec<Media>, Error> {
    Ok(sql::many(db.execute(statements::BY_IDS, vec![tenant.into(), sql::list(ids)?]).await?, media)?)
}

/// The bytes of a picture that was made of this content.
pub async fn variant<D: Driver>(db: &Database<D>, place: &Place, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut parameters = place.parameters();
    parameters.push(name.into());
    let rows = db.execute(statements::VARIANT, parameters).await?;
    Ok(rows.into_iter().next().map(|mut row| row.take()).transpose()?)
}

/// Announces an attachment, or finds the one that was announced under this reference.
pub async fn expect<D: Driver>(
    db: &Database<D>,
    tenant: &str,
    expected: &Expected,
    now: Micros,
) -> Result<Media, Error> {
    let by_reference = vec![tenant.into(), (&expected.reference).into()];
    if let Some(known) = sql::one(db.execute(statements::BY_REFERENCE, by_reference.clone()).await?, media)? {
        return Ok(known);
    }
    let parameters: Vec<Value> = vec![
        tenant.into(),
        ids::new().into(),
        expected.conversation_id.clone().into(),
        (&expected.reference).into(),
        // Empty until the type is known, which then makes a name.
        expected.filename.clone().unwrap_or_default().into(),
        now.into(),
    ];
    db.execute(statements::EXPECT, parameters).await?;
    let announced = sql::one(db.execute(statements::BY_REFERENCE, by_reference).await?, media)?;
    announced.ok_or_else(|| Error::Internal("an announced attachment is not there".to_owned()))
}

pub async fn fail<D: Driver>(
    db: &Database<D>,
    tenant: &str,
    id: &str,
    failure: &str,
    now: Micros,
) -> Result<Option<Media>, Error> {
    db.execute(statements::FAIL, vec![tenant.into(), id.into(), failure.into(), now.into()]).await?;
    get(db, tenant, id).await
}

/// In this version, if one is named. The bytes go with the last attachment that shows them.
pub async fn delete<D: Driver>(db: &Database<D>, tenant: &str, id: &str, version: Option<Micros>) -> Result<(), Error> {
    let work = async |transaction: &D::Connection| -> Result<(), Error> {
        let rows = transaction.execute(statements::BY_ID, vec![tenant.into(), id.into()]).await?;
        let found = sql::one(rows, media)?.ok_or(Error::NotFound)?;
        etag::check(version, found.updated_at)?;
        forget(transaction, tenant, id).await?;
        Ok(())
    };
    db.transaction(work).await
}

/// How many there were. A hundred in a transaction, which holds the only writer.
pub async fn delete_of_conversation<D: Driver>(
    db: &Database<D>,
    tenant: &str,
    conversation: &str,
) -> Result<u64, Error> {
    let mut deleted = 0;
    loop {
        let rows = db.execute(statements::OF_CONVERSATION, vec![tenant.into(), conversation.into()]).await?;
        let ids: Vec<String> = sql::many(rows, |mut row| row.take())?;
        if ids.is_empty() {
            return Ok(deleted);
        }
        deleted += forget_all(db, tenant, &ids).await?;
    }
}

/// A hundred of a deleted tenant's; how many there were.
pub async fn delete_some<D: Driver>(db: &Database<D>, tenant: &str) -> Result<u64, SqlError> {
    let rows = db.execute(statements::SOME, vec![tenant.into()]).await?;
    let ids: Vec<String> = sql::many(rows, |mut row| row.take())?;
    if ids.is_empty() { Ok(0) } else { forget_all(db, tenant, &ids).await }
}

async fn forget_all<D: Driver>(db: &Database<D>, tenant: &str, ids: &[String]) -> Result<u64, SqlError> {
    let work = async |transaction: &D::Connection| -> Result<u64, SqlError> {
        let mut gone = 0;
        for id in ids {
            gone += u64::from(forget(transaction, tenant, id).await?);
        }
        Ok(gone)
    };
    db.transaction(work).await
}

async fn forget(transaction: &impl Execute, tenant: &str, id: &str) -> Result<bool, SqlError> {
    let rows = transaction.execute(statements::DROP_MEDIA, vec![tenant.into(), id.into()]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(false) };
    if let Some(content) = row.take()? {
        release(transaction, &Place { tenant: tenant.to_owned(), id: content }).await?;
    }
    Ok(true)
}

/// One attachment less shows it.
async fn release(transaction: &impl Execute, place: &Place) -> Result<(), SqlError> {
    let rows = transaction.execute(statements::UNUSE, place.parameters()).await?;
    let uses: i64 = rows.into_iter().next().map(|mut row| row.take()).transpose()?.unwrap_or_default();
    if uses > 0 {
        return Ok(());
    }
    let rows = transaction.execute(statements::DROP_CONTENT, place.parameters()).await?;
    let kind = sql::one(rows, |mut row| row.word(Kind::parse))?.unwrap_or(Kind::Database);
    transaction.execute(statements::DROP_VARIANTS, place.parameters()).await?;
    uploads::discard(transaction, place, kind).await
}

fn media(mut row: Row) -> Result<Media, SqlError> {
    Ok(Media {
        id: row.take()?,
        status: row.word(Status::parse)?,
        failure: row.take()?,
        conversation_id: row.take()?,
        owner_service: row.take()?,
        filename: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        content: content(row)?,
    })
}

fn content(mut row: Row) -> Result<Option<Content>, SqlError> {
    let Some(id) = row.take()? else { return Ok(None) };
    let (sha256, size, mime_type) = (row.take()?, row.take()?, row.take()?);
    let (width, height): (Option<u32>, Option<u32>) = (row.take()?, row.take()?);
    let storage = row.word(Kind::parse)?;
    let variants: String = row.take()?;
    let variants = serde_json::from_str(&variants).map_err(|e| SqlError::Row(format!("variants: {e}")))?;
    Ok(Some(Content { id, sha256, size, mime_type, dimensions: width.zip(height), storage, variants }))
}
