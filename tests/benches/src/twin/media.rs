//! The native twin of an upload: hyper, multer and rusqlite; the same chunks, statements and commits, the same look at a picture.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyDataStream, Full};
use hyper::body::Incoming;
use media::picture;
use media::store::statements::uploads::{APPEND, BEGIN, CHUNK, DROP_UPLOAD};
use media::store::uploads::CHUNK_BYTES;
use rusqlite::params;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::database::Database;
use super::statements::migrations;
use crate::arguments::{Commit, Records as Arguments};
use crate::hello;

const TENANT: &str = "default";
/// As the component's.
const WRITES: usize = 4;
const KEEP: &str = "INSERT INTO contents (tenant_id, id, sha256, size, mime_type, width, height, uses, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0)";
const KEEP_VARIANT: &str = "INSERT INTO variants (tenant_id, content_id, name, mime_type, width, height, bytes) VALUES (?, ?, 'thumbnail', ?, ?, ?, ?)";
const SHOW: &str = "INSERT INTO media (tenant_id, id, status, content_id, filename, created_at, updated_at) VALUES (?, ?, 'ready', ?, 'file', 0, 0)";

pub fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let database = Database::open(&arguments.dir.join("media.db"), &migrations!(media), Commit::Group)?;
    let database = Arc::new(database);
    hello::run(move |request| answer(database.clone(), request))
}

async fn answer(database: Arc<Database>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, text) = match upload(database, request).await {
        Ok(id) => (StatusCode::CREATED, id),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

async fn upload(database: Arc<Database>, request: Request<Incoming>) -> anyhow::Result<String> {
    let content_type = request.headers().get(header::CONTENT_TYPE).context("no type")?.to_str()?;
    let boundary = multer::parse_boundary(content_type)?;
    let mut form = multer::Multipart::new(BodyDataStream::new(request.into_body()), boundary);
    let mut file = form.next_field().await?.context("no file")?;
    let id = Uuid::now_v7().to_string();
    let own = id.clone();
    database.write(move |db| db.execute(BEGIN, params![TENANT, own, 0, "database"])).await?;
    let (mut hash, mut size, mut number) = (Sha256::new(), 0, 0);
    let (mut gathering, mut writes) = (Vec::with_capacity(CHUNK_BYTES), VecDeque::new());
    while let Some(bytes) = file.chunk().await? {
        hash.update(&bytes);
        size += bytes.len();
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(CHUNK_BYTES - gathering.len()));
            gathering.extend_from_slice(now);
            rest = later;
            if gathering.len() == CHUNK_BYTES {
                let chunk = std::mem::replace(&mut gathering, Vec::with_capacity(CHUNK_BYTES));
                writes.push_back(append(&database, &id, number, chunk));
                number += 1;
            }
            if writes.len() >= WRITES {
                writes.pop_front().context("a write")?.await??;
            }
        }
    }
    writes.push_back(append(&database, &id, number, gathering));
    futures::stream::iter(writes).for_each(|write| async { drop(write.await) }).await;
    let picture = picture_of(&database, &id)?;
    keep(&database, &id, hex::encode(hash.finalize()), size, picture).await?;
    Ok(id)
}

/// Under way at once.
fn append(
    database: &Arc<Database>,
    id: &str,
    number: i64,
    chunk: Vec<u8>,
) -> tokio::task::JoinHandle<anyhow::Result<()>> {
    let (database, id) = (database.clone(), id.to_owned());
    tokio::spawn(async move {
        let work = move |db: &rusqlite::Connection| {
            db.prepare_cached(APPEND)?.query_row(params![TENANT, id, number, chunk], |_| Ok(()))
        };
        database.write(work).await
    })
}

/// What the component makes of it: read again from where it is, and unpacked.
fn picture_of(database: &Database, id: &str) -> anyhow::Result<Option<picture::Picture>> {
    let chunk = |number: i64| -> rusqlite::Result<Vec<u8>> {
        database.read(|db| db.prepare_cached(CHUNK)?.query_row(params![TENANT, id, number], |row| row.get(0)))
    };
    let mut bytes = chunk(0)?;
    if !bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Ok(None);
    }
    let mut number = 1;
    while let Ok(more) = chunk(number) {
        bytes.extend(more);
        number += 1;
    }
    let picture = picture::examine(picture::format("image/jpeg").context("JPEG is known")?, &bytes);
    Ok(Some(picture.map_err(|refused| anyhow::anyhow!(refused.0))?))
}

async fn keep(
    database: &Database,
    id: &str,
    sha256: String,
    size: usize,
    picture: Option<picture::Picture>,
) -> anyhow::Result<()> {
    let id = id.to_owned();
    let work = move |db: &rusqlite::Connection| {
        let (width, height) = picture.as_ref().map(|picture| (picture.width, picture.height)).unzip();
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        db.execute(DROP_UPLOAD, params![TENANT, id])?;
        db.execute(KEEP, params![TENANT, id, sha256, size, "application/pdf", width, height])?;
        if let Some(small) = picture.and_then(|picture| picture.thumbnail) {
            db.execute(KEEP_VARIANT, params![TENANT, id, small.mime_type, small.width, small.height, small.bytes])?;
        }
        db.execute(SHOW, params![TENANT, Uuid::now_v7().to_string(), id])
    };
    database.write(work).await.map(drop)
}
