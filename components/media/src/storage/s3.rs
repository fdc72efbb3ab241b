//! A bucket of a store that speaks S3: one object for a file, one for each picture made of it.

mod bucket;
mod call;
mod sigv4;
mod upload;

pub use bucket::Bucket;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, StatusCode, header};
use http_body_util::BodyStream;
use sdk::{Error, sql::Driver};
use spin_sdk::http::BoxBody;

use self::{
    call::{Call, refusal},
    upload::Parts,
};
use super::{BoxError, Kind, Pieces, Storage, Task, Writer};
use crate::{
    app::{App, Platform},
    range::Part,
    store::uploads::{Multipart, Place},
};

/// The file itself; a variant has its own name.
const ORIGINAL: &str = "original";

pub struct Objects<'a, D, P> {
    pub app: &'a App<D, P>,
    pub bucket: Bucket,
}

/// The bucket that the variables name.
pub async fn bucket<D: Driver, P: Platform>(app: &App<D, P>) -> Result<Bucket, Error> {
    Bucket::of(&app.platform).await.map_err(Error::Internal)
}

impl<D, P> Clone for Objects<'_, D, P> {
    fn clone(&self) -> Self {
        Self { app: self.app, bucket: self.bucket.clone() }
    }
}

impl<'a, D: Driver, P: Platform> Storage<'a> for Objects<'a, D, P> {
    fn kind(&self) -> Kind {
        Kind::S3
    }

    fn write(&self, place: Place) -> Box<dyn Writer + 'a> {
        Box::new(Parts::new(self.clone(), place))
    }

    fn write_variant(&self, place: Place, name: &'static str, bytes: Vec<u8>) -> Task<'a, Vec<u8>> {
        let objects = self.clone();
        Box::pin(async move {
            objects.put(&place, name, bytes.into()).await?;
            Ok(Vec::new())
        })
    }

    fn read(&self, place: Place, variant: Option<&'static str>, part: Part) -> Task<'a, Pieces<'a>> {
        let objects = self.clone();
        Box::pin(async move { objects.get(&place, variant.unwrap_or(ORIGINAL), part).await })
    }
}

impl<'a, D: Driver, P: Platform> Objects<'a, D, P> {
    async fn put(&self, place: &Place, name: &str, bytes: Bytes) -> Result<(), Error> {
        let call = Call::new(Method::PUT, self.bucket.key(place, name)).body(bytes);
        let answer = self.answer(&call).await?;
        if answer.status().is_success() { Ok(()) } else { Err(refusal("keep an object", answer).await) }
    }

    async fn get(&self, place: &Place, name: &str, part: Part) -> Result<Pieces<'a>, Error> {
        let range = format!("bytes={}-{}", part.first, part.last);
        let call = Call::new(Method::GET, self.bucket.key(place, name)).header(header::RANGE, range);
        let answer = self.answer(&call).await?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(refusal("give a part of an object", answer).await);
        }
        Ok(exactly(part.len(), answer.into_body()))
    }

    /// Removes a file, the pictures made of it, and the parts of it that have arrived. What is not there is no error.
    pub async fn remove(&self, place: &Place, multipart: Option<Multipart>) -> Result<(), Error> {
        let unfinished = match multipart {
            None => Vec::new(),
            Some(Multipart::Named(id)) => vec![id],
            Some(Multipart::Nameless) => self.unfinished(place).await?,
        };
        for id in unfinished {
            let call = Call::new(Method::DELETE, self.bucket.key(place, ORIGINAL)).query("uploadId", &id);
            self.gone("end a multipart upload", &call).await?;
        }
        for name in [ORIGINAL, crate::domain::THUMBNAIL] {
            let call = Call::new(Method::DELETE, self.bucket.key(place, name));
            self.gone("delete an object", &call).await?;
        }
        Ok(())
    }

    async fn gone(&self, what: &str, call: &Call) -> Result<(), Error> {
        let answer = self.answer(call).await?;
        let is_gone = answer.status().is_success() || answer.status() == StatusCode::NOT_FOUND;
        if is_gone { Ok(()) } else { Err(refusal(what, answer).await) }
    }
}

/// So many bytes, or an error at the end: what an answer has promised comes in full, or the answer breaks off.
fn exactly<'a>(length: u64, body: BoxBody) -> Pieces<'a> {
    Box::pin(stream::try_unfold((BodyStream::new(body), length), |(mut body, missing)| async move {
        loop {
            if missing == 0 {
                return Ok(None);
            }
            let ended = || -> BoxError { "the object ended early".into() };
            let frame = body.next().await.ok_or_else(ended)??;
            let Ok(mut bytes) = frame.into_data() else { continue };
            bytes.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
            if !bytes.is_empty() {
                let missing = missing - bytes.len() as u64;
                return Ok(Some((bytes, (body, missing))));
            }
        }
    }))
}
