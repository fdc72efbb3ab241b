//! The end of an upload: in one transaction its bytes become a content, or give way to the same bytes that are here, and an attachment shows them.

use sdk::{
    Context, Error, Micros,
    idempotency::{self, Done, Once},
    ids,
    sql::{self, Database, Driver, Execute, Value},
};

use super::{media, statements};
use crate::{
    domain::{Arrived, Label, Media, THUMBNAIL},
    store::uploads::{self, Place},
};

/// Whose bytes they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new attachment's.
    New(Label),
    /// Those of an attachment that was announced. `name`: its file's, when it came without one.
    Announced { id: String, name: String },
}

const KEEP: &str = "INSERT INTO contents (tenant_id, id, sha256, size, mime_type, width, height, uses, created_at, storage) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)";
const KEEP_VARIANT: &str = "INSERT INTO variants (tenant_id, content_id, name, mime_type, width, height, bytes, size) \
                            VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const SHOW: &str = "INSERT INTO media (tenant_id, id, status, content_id, conversation_id, owner_service, filename, created_at, updated_at) \
                    VALUES (?1, ?2, 'ready', ?3, ?4, ?5, ?6, ?7, ?7)";
const SHOW_ANNOUNCED: &str = "UPDATE media SET status = 'ready', failure = NULL, content_id = ?3, \
                              filename = CASE filename WHEN '' THEN ?4 ELSE filename END, updated_at = ?5 \
                              WHERE tenant_id = ?1 AND id = ?2 AND content_id IS NULL";

/// The attachment that shows the bytes, durable when it returns; an announced one that has bytes already stays as it is.
/// Whatever comes of it, nothing of the upload is left but what is shown.
pub async fn keep<D: Driver>(
    db: &Database<D>,
    context: &Context,
    (target, arrived): (&Target, &Arrived),
    once: Option<&Once<'_, Media>>,
    now: Micros,
) -> Result<Done<Media>, Error> {
    let upload = Place { tenant: context.tenant.clone(), id: arrived.upload.clone() };
    let work = async |transaction: &D::Connection| -> Result<Media, Error> {
        let id = show(transaction, &upload, target, arrived, now).await?;
        let rows = transaction.execute(statements::BY_ID, vec![(&upload.tenant).into(), (&id).into()]).await?;
        sql::one(rows, media)?.ok_or(Error::NotFound)
    };
    let done = idempotency::once(db, once, now, work).await;
    if !matches!(done, Ok(Done::Now(_))) {
        uploads::give_up(db, &upload, arrived.storage).await?;
    }
    done
}

async fn show(
    transaction: &impl Execute,
    upload: &Place,
    target: &Target,
    arrived: &Arrived,
    now: Micros,
) -> Result<String, Error> {
    if let Target::Announced { id, .. } = target {
        let rows = transaction.execute(statements::BY_ID, vec![(&upload.tenant).into(), id.into()]).await?;
        let announced = sql::one(rows, media)?.ok_or(Error::NotFound)?;
        if announced.content.is_some() {
            uploads::discard(transaction, upload, arrived.storage).await?;
            return Ok(announced.id);
        }
    }
    let content = settle(transaction, upload, arrived, now).await?;
    let (id, sql, rest): (String, _, Vec<Value>) = match target {
        Target::New(label) => {
            let Label { filename, conversation_id, owner_service } = label.clone();
            (ids::new(), SHOW, vec![conversation_id.into(), owner_service.into(), filename.into(), now.into()])
        }
        Target::Announced { id, name } => (id.clone(), SHOW_ANNOUNCED, vec![name.into(), now.into()]),
    };
    let mut parameters: Vec<Value> = vec![(&upload.tenant).into(), (&id).into(), content.into()];
    parameters.extend(rest);
    transaction.execute(sql, parameters).await?;
    Ok(id)
}

/// The content with these bytes, used once more.
async fn settle(transaction: &impl Execute, upload: &Place, arrived: &Arrived, now: Micros) -> Result<String, Error> {
    let by_hash = vec![(&upload.tenant).into(), (&arrived.sha256).into()];
    let known = transaction.execute(statements::CONTENT_BY_HASH, by_hash).await?;
    if let Some(mut row) = known.into_iter().next() {
        let id: String = row.take()?;
        transaction.execute(statements::USE, vec![(&upload.tenant).into(), (&id).into()]).await?;
        uploads::discard(transaction, upload, arrived.storage).await?;
        return Ok(id);
    }
    uploads::end(transaction, upload).await?;
    let (width, height) = arrived.dimensions.unzip();
    let mut parameters = upload.parameters();
    parameters.extend([(&arrived.sha256).into(), arrived.size.into(), (&arrived.mime_type).into()]);
    parameters.extend([width.into(), height.into(), now.into(), arrived.storage.as_str().into()]);
    transaction.execute(KEEP, parameters).await?;
    if let Some(thumbnail) = &arrived.thumbnail {
        let mut parameters = upload.parameters();
        parameters.extend([THUMBNAIL.into(), thumbnail.mime_type.into()]);
        parameters.extend([thumbnail.width.into(), thumbnail.height.into(), thumbnail.bytes.clone().into()]);
        parameters.push(thumbnail.size.into());
        transaction.execute(KEEP_VARIANT, parameters).await?;
    }
    Ok(upload.id.clone())
}
