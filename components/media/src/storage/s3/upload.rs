//! A file on its way to the bucket: as one object when it is small, else in parts, one of which is in memory at a time.

use bytes::Bytes;
use http::{Method, header};
use sdk::{Error, sql::Driver};

use super::{
    ORIGINAL, Objects,
    call::{Call, document, refusal, texts},
};
use crate::{
    app::Platform,
    storage::{Task, Writer},
    store::uploads::{self, Multipart, Place},
};

/// 5 MiB: the smallest part that S3 takes but for the last.
const PART_BYTES: usize = 5 << 20;
/// What S3 takes.
const MAX_PARTS: usize = 10_000;

pub struct Parts<'a, D, P> {
    objects: Objects<'a, D, P>,
    place: Place,
    gathering: Vec<u8>,
    /// The multipart upload, from the first part on.
    multipart: Option<String>,
    /// Of the parts that the store has.
    tags: Vec<String>,
}

impl<D: Driver, P: Platform> Writer for Parts<'_, D, P> {
    fn push<'s>(&'s mut self, mut bytes: &'s [u8]) -> Task<'s, ()> {
        Box::pin(async move {
            while !bytes.is_empty() {
                // Only when more comes: the last part may be full, but not empty.
                if self.gathering.len() >= PART_BYTES {
                    self.send_part().await?;
                }
                let room = PART_BYTES.saturating_sub(self.gathering.len()).min(bytes.len());
                let (now, later) = bytes.split_at(room);
                self.gathering.extend_from_slice(now);
                bytes = later;
            }
            Ok(())
        })
    }

    fn finish<'s>(&'s mut self, sha256: &'s str) -> Task<'s, ()> {
        Box::pin(async move {
            if self.multipart.is_some() {
                self.send_part().await?;
                return self.complete().await;
            }
            let body = Bytes::from(std::mem::take(&mut self.gathering));
            let call = Call::new(Method::PUT, self.key()).body(body).sha256(sha256);
            let answer = self.objects.answer(&call).await?;
            if answer.status().is_success() { Ok(()) } else { Err(refusal("keep a file", answer).await) }
        })
    }
}

impl<'a, D: Driver, P: Platform> Parts<'a, D, P> {
    pub fn new(objects: Objects<'a, D, P>, place: Place) -> Self {
        Self { objects, place, gathering: Vec::new(), multipart: None, tags: Vec::new() }
    }

    fn key(&self) -> String {
        self.objects.bucket.key(&self.place, ORIGINAL)
    }

    async fn send_part(&mut self) -> Result<(), Error> {
        if self.tags.len() >= MAX_PARTS {
            return Err(sdk::invalid("file", "is larger than what the store takes"));
        }
        let id = self.multipart().await?;
        let body = Bytes::from(std::mem::take(&mut self.gathering));
        let number = (self.tags.len() + 1).to_string();
        let call = Call::new(Method::PUT, self.key()).query("partNumber", &number).query("uploadId", &id).body(body);
        let answer = self.objects.answer(&call).await?;
        let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        match tag.filter(|_| answer.status().is_success()) {
            Some(tag) => self.tags.push(tag),
            None => return Err(refusal("keep a part of a file", answer).await),
        }
        Ok(())
    }

    /// Begins it with the first part. That it begins is written down, and its id, so that the sweep ends what nobody else does.
    async fn multipart(&mut self) -> Result<String, Error> {
        if let Some(id) = &self.multipart {
            return Ok(id.clone());
        }
        let database = &self.objects.app.database;
        uploads::note_multipart(database, &self.place, Multipart::Nameless).await?;
        // The address has to read `?uploads=`, because so it is signed.
        let answer = self.objects.answer(&Call::new(Method::POST, self.key()).query("uploads", "")).await?;
        if !answer.status().is_success() {
            return Err(refusal("begin a multipart upload", answer).await);
        }
        let id = texts(&document(answer).await, "UploadId").into_iter().next();
        let id = id.ok_or_else(|| Error::Unavailable("the object store names no upload".to_owned()))?;
        uploads::note_multipart(database, &self.place, Multipart::Named(id.clone())).await?;
        self.multipart = Some(id.clone());
        Ok(id)
    }

    async fn complete(&self) -> Result<(), Error> {
        let id = self.multipart.as_deref().unwrap_or_default();
        let escaped = |tag: &String| tag.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let part = |(index, tag): (usize, &String)| {
            format!("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", index + 1, escaped(tag))
        };
        let parts: String = self.tags.iter().enumerate().map(part).collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let answer = self.objects.answer(&Call::new(Method::POST, self.key()).query("uploadId", id).body(body)).await?;
        if !answer.status().is_success() {
            return Err(refusal("put the parts of a file together", answer).await);
        }
        // It begins to answer before it knows how it ends: an error may come with 200.
        let document = document(answer).await;
        match texts(&document, "ETag").is_empty() {
            false => Ok(()),
            true => {
                let code = texts(&document, "Code").join(" ");
                Err(Error::Unavailable(format!("the object store did not put the parts of a file together: {code}")))
            }
        }
    }
}

impl<D: Driver, P: Platform> Objects<'_, D, P> {
    /// The multipart uploads of a file that were begun, and whose ids nobody has written down.
    pub(super) async fn unfinished(&self, place: &Place) -> Result<Vec<String>, Error> {
        let key = self.bucket.key(place, ORIGINAL);
        let call = Call::new(Method::GET, String::new()).query("prefix", &key).query("uploads", "");
        let answer = self.answer(&call).await?;
        // Stores that cannot list them, or do not let everybody: the bucket's own rules end what is left.
        if !answer.status().is_success() {
            return Ok(Vec::new());
        }
        Ok(texts(&document(answer).await, "UploadId"))
    }
}
